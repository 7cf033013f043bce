//! Both sides of one table, read slice by slice, the source up to two slices ahead, so that neither waits for the other at
//! the end of each.

use std::{
    sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering},
    time::Duration,
};

use tokio::sync::{mpsc, oneshot};

use super::{
    buckets::differing,
    checkpoint::{Checkpoints, Told},
    pace::Pace,
    pairing::Matched,
    table::Compared,
    walk::Walker,
};
use crate::{
    clock::SharedClock,
    db::rows::{Division, Relation, RowReader, Slice, Sum},
    error::{Kind, Result},
};

/// Slices that differ and wait to be narrowed; more would be too much memory where whole tables differ.
const BACKLOG: usize = 32;

/// A slice whose sums differ.
pub(super) struct Mismatch {
    pub(super) slice: Slice,
    pub(super) by: Division,
    /// Its differing buckets, where it was read in buckets.
    pub(super) differing: Option<Vec<(i64, i64)>>,
}

/// What was read until the walk was done or the backlog full.
#[derive(Default)]
pub(super) struct SlicesRead {
    pub(super) rows_source: i64,
    pub(super) rows_target: i64,
    pub(super) mismatches: Vec<Mismatch>,
}

/// Whether the next slice is likely to differ: so it is after two of the last three did. Sums per bucket cost a fifth more
/// than one sum, and spare a second reading where sums differ.
#[derive(Debug, Default)]
pub(super) struct Expectation(AtomicU8);

impl Expectation {
    fn expects_difference(&self) -> bool {
        (self.0.load(Ordering::Relaxed) & 0b111).count_ones() >= 2
    }

    fn saw(&self, differed: bool) {
        self.0.store(self.0.load(Ordering::Relaxed) << 1 | u8::from(differed), Ordering::Relaxed);
    }
}

/// One run of both sides.
pub(super) struct Pipeline<'a> {
    pub(super) matched: &'a Matched,
    pub(super) source: &'a mut dyn RowReader,
    pub(super) target: &'a mut dyn RowReader,
    pub(super) pace: &'a Pace,
    pub(super) clock: &'a SharedClock,
    pub(super) expectation: &'a Expectation,
    pub(super) checkpoints: &'a Checkpoints<'a>,
    pub(super) behind: Behind<'a>,
}

/// What was compared before this run.
pub(super) struct Behind<'a> {
    pub(super) compared: Compared,
    pub(super) told: &'a Told,
    /// Whether every row that differed there was looked at again.
    pub(super) settled: bool,
}

/// A slice as one side holds it.
enum Contents {
    Whole(Sum),
    Buckets(Vec<(i64, Sum)>),
}

impl Contents {
    fn total(&self) -> Sum {
        match self {
            Contents::Whole(sum) => *sum,
            Contents::Buckets(buckets) => {
                let mut total = Sum::default();
                buckets.iter().for_each(|(_, sum)| total.add(*sum));
                total
            }
        }
    }
}

/// A slice that the source reads, or has read, and the target has not.
struct Ahead {
    /// The walk before this slice, for going back to it.
    before: Walker,
    slice: Slice,
    by: Division,
    /// In buckets, or as one sum.
    in_buckets: bool,
    /// What the source finds; nothing comes when the slice was too large for it and is divided.
    source: oneshot::Receiver<Contents>,
}

impl Pipeline<'_> {
    /// Reads on until the walk is done or enough slices differ.
    pub(super) async fn run(self, walker: &mut Walker) -> Result<SlicesRead> {
        let Pipeline { matched, source, target, pace, clock, expectation, checkpoints, behind: before } = self;
        let (ahead, behind) = mpsc::channel(1);
        // What the target needs for a row, ns: the slower side decides how large a slice may be.
        let per_row = AtomicU64::new(0);
        let enough = AtomicBool::new(false);
        let mut walk = walker.clone();
        let lead = async {
            let ahead = ahead;
            while !enough.load(Ordering::Relaxed) {
                let before = walk.clone();
                let Some(slice) = walk.next(source, &matched.source).await? else { break };
                let (by, in_buckets) = (walk.division(), expectation.expects_difference());
                let (found, awaited) = oneshot::channel();
                if ahead.send(Ahead { before, slice: slice.clone(), by, in_buckets, source: awaited }).await.is_err() {
                    break;
                }
                let began = clock.instant();
                let contents = match read(source, &matched.source, &slice, by, in_buckets).await {
                    Ok(contents) => contents,
                    Err(e) if e.kind == Kind::Deadline && walk.shrink() => continue,
                    Err(e) => return Err(e),
                };
                let rows = contents.total().rows;
                let took = clock.instant().duration_since(began);
                let there = Duration::from_nanos(per_row.load(Ordering::Relaxed).saturating_mul(rows.unsigned_abs()));
                walk.advance(&slice, rows, took.max(there));
                // Nobody awaits it when the target begins again with smaller slices.
                let _ = found.send(contents);
                pace.read(rows, took).await;
            }
            Ok(walk)
        };
        let follow = follow(behind, target, matched, pace, clock, expectation, &per_row, &enough, checkpoints, before);
        // Both to their end, which the other's end brings about: a session whose statement was given up would answer the next
        // one with its error.
        let (walked, followed) = tokio::join!(lead, follow);
        let ((read, back), walked) = (followed?, walked?);
        *walker = back.unwrap_or(walked);
        Ok(read)
    }
}

/// The target's part: reads what the source has read and compares. Also returns where to begin again with smaller slices,
/// when one was too large for this side.
#[allow(clippy::too_many_arguments, reason = "the two halves of one function, apart for reading")]
async fn follow(
    mut behind: mpsc::Receiver<Ahead>,
    target: &mut dyn RowReader,
    matched: &Matched,
    pace: &Pace,
    clock: &SharedClock,
    expectation: &Expectation,
    per_row: &AtomicU64,
    enough: &AtomicBool,
    checkpoints: &Checkpoints<'_>,
    earlier: Behind<'_>,
) -> Result<(SlicesRead, Option<Walker>)> {
    let mut out = SlicesRead::default();
    while let Some(Ahead { mut before, slice, by, in_buckets, source }) = behind.recv().await {
        // Where nothing was read since, there is nothing to keep.
        if out.rows_source + out.rows_target > 0 && checkpoints.due() {
            if earlier.settled && out.mismatches.is_empty() {
                let compared = Compared {
                    rows_source: earlier.compared.rows_source + out.rows_source,
                    rows_target: earlier.compared.rows_target + out.rows_target,
                };
                checkpoints.reached(compared.at(before.clone()), earlier.told).await?;
            } else {
                // What differs has to be looked at first, which needs both sessions.
                enough.store(true, Ordering::Relaxed);
            }
        }
        let began = clock.instant();
        let contents = match read(target, &matched.target, &slice, by, in_buckets).await {
            Ok(contents) => contents,
            // What the source has read beyond is forgotten with the channel.
            Err(e) if e.kind == Kind::Deadline && before.shrink() => return Ok((out, Some(before))),
            Err(e) => return Err(e),
        };
        let took = clock.instant().duration_since(began);
        let Ok(source) = source.await else { continue };
        let (a, b) = (source.total(), contents.total());
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX) / b.rows.max(1).unsigned_abs();
        per_row.store(nanos, Ordering::Relaxed);
        out.rows_source += a.rows;
        out.rows_target += b.rows;
        expectation.saw(a != b);
        if a != b {
            let differing = match (source, contents) {
                (Contents::Buckets(a), Contents::Buckets(b)) => {
                    Some(differing(a.into_iter().collect(), b.into_iter().collect()))
                }
                (Contents::Whole(_) | Contents::Buckets(_), _) => None,
            };
            out.mismatches.push(Mismatch { slice, by, differing });
            enough.store(out.mismatches.len() >= BACKLOG, Ordering::Relaxed);
        }
        pace.read(b.rows, took).await;
    }
    Ok((out, None))
}

async fn read(
    reader: &mut dyn RowReader,
    relation: &Relation,
    slice: &Slice,
    by: Division,
    in_buckets: bool,
) -> Result<Contents> {
    Ok(if in_buckets {
        Contents::Buckets(reader.buckets(relation, slice, by).await?)
    } else {
        Contents::Whole(reader.sum(relation, slice).await?)
    })
}
