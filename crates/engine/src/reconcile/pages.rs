//! One side of a table read by its heap's pages, in whatever order its keys are.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use switchyard_model::Side;

use super::{
    checkpoint::{Checkpoints, Place, Told},
    pace::Pace,
    pairing::Matched,
    walk::{AIM, Walk, Walker, parts},
};
use crate::{
    clock::SharedClock,
    db::rows::{Division, Extent, Relation, RowReader, Slice, Sum},
    error::{Kind, Result},
};

/// What one side's walk by pages has read.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PagesRead {
    walker: Walker,
    /// Tells whether it is still the same heap.
    pub(super) heap: i64,
    /// Sums of what was read, by bucket.
    pub(super) buckets: HashMap<i64, Sum>,
    /// By which slices it was read.
    pub(super) slices: Vec<Slice>,
    /// Rows read.
    pub(super) rows: i64,
}

impl PagesRead {
    /// Nothing yet of a heap; `slow` begins with small slices.
    pub(super) fn nothing(matched: &Matched, extent: Extent, slow: bool) -> PagesRead {
        let density = (matched.rows as f64 / extent.pages.max(1) as f64).max(0.001);
        let walk = Walk::Pages { from: 0, pages: extent.pages, density };
        let mut walker = Walker::new(walk, matched.rows, matched.bytes);
        if slow {
            walker.shrink();
            walker.shrink();
        }
        PagesRead { walker, heap: extent.heap, buckets: HashMap::new(), slices: Vec::new(), rows: 0 }
    }

    fn take(&mut self, slice: Slice, found: Vec<(i64, Sum)>, took: Duration) -> i64 {
        let mut rows = 0;
        for (bucket, sum) in found {
            rows += sum.rows;
            self.buckets.entry(bucket).or_default().add(sum);
        }
        self.rows += rows;
        self.walker.advance(&slice, rows, took);
        // As it may be read again, with less to spare.
        self.slices.extend(parts(slice, (took.as_millis() / AIM.as_millis()) as i64));
        rows
    }
}

/// Both sides' walks by pages, each in its own order and at its own speed.
pub(super) struct PageWalks<'a> {
    pub(super) matched: &'a Matched,
    pub(super) pace: &'a Pace,
    pub(super) clock: &'a SharedClock,
    pub(super) checkpoints: &'a Checkpoints<'a>,
    mask: i64,
    sides: [Mutex<PagesRead>; 2],
}

impl<'a> PageWalks<'a> {
    /// Goes on from what was read.
    pub(super) fn from(
        matched: &'a Matched,
        pace: &'a Pace,
        clock: &'a SharedClock,
        checkpoints: &'a Checkpoints<'a>,
        mask: i64,
        sides: [PagesRead; 2],
    ) -> Self {
        PageWalks { matched, pace, clock, checkpoints, mask, sides: sides.map(Mutex::new) }
    }

    /// Reads both sides to their ends.
    pub(super) async fn run(self, source: &mut dyn RowReader, target: &mut dyn RowReader) -> Result<[PagesRead; 2]> {
        tokio::try_join!(self.side(Side::Source, source), self.side(Side::Target, target))?;
        Ok(self.sides.map(|side| side.into_inner().unwrap_or_else(PoisonError::into_inner)))
    }

    fn progress(&self, side: Side) -> MutexGuard<'_, PagesRead> {
        let [source, target] = &self.sides;
        let one = match side {
            Side::Source => source,
            Side::Target => target,
        };
        one.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn relation(&self, side: Side) -> &Relation {
        match side {
            Side::Source => &self.matched.source,
            Side::Target => &self.matched.target,
        }
    }

    async fn side(&self, side: Side, reader: &mut dyn RowReader) -> Result<()> {
        let (relation, by) = (self.relation(side), Division::Hash { mask: self.mask });
        loop {
            let walker = self.progress(side).walker.clone();
            let Some(slice) = walker.next(reader, relation).await? else { return Ok(()) };
            let began = self.clock.instant();
            let found = match reader.buckets(relation, &slice, by).await {
                Ok(found) => found,
                Err(e) if e.kind == Kind::Deadline && self.progress(side).walker.shrink() => continue,
                Err(e) => return Err(e),
            };
            let took = self.clock.instant().duration_since(began);
            let rows = self.progress(side).take(slice, found, took);
            if self.checkpoints.due() {
                let source = self.progress(Side::Source).clone();
                let sides = Box::new([source, self.progress(Side::Target).clone()]);
                // Nothing is told before both are read.
                self.checkpoints.reached(Place::Pages { mask: self.mask, sides }, &Told::default()).await?;
            }
            self.pace.read(rows, took).await;
        }
    }
}
