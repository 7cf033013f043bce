//! One table: walked slice by slice on both sides at once, narrowed where sums differ, and looked at again.

use std::{collections::HashMap, time::Duration};

use async_trait::async_trait;
use switchyard_model::{Side, reconcile::Key};

use super::{
    Stream,
    pace::Pace,
    pairing::Matched,
    pipeline::{Expectation, Pipeline},
    recheck::{Rechecked, Sides, recheck},
    walk::{Walk, Walker},
};
use crate::{
    clock::SharedClock,
    db::rows::{Division, Field, Relation, RowReader, RowSum, Slice, Sum},
    error::{Error, Kind, Result},
};

/// Rows that one bucket is meant to hold: so many are read for each differing row.
pub(super) const BUCKET_ROWS: i64 = 128;

/// Buckets of a walk by pages at most; a sum of each is held in memory.
const MOST_BUCKETS: i64 = 1 << 16;

/// Rows of differing buckets that are fetched at once, per side.
const AT_ONCE: i64 = 100_000;

/// Keys that are looked at again at once.
const BATCH: usize = 1_000;

/// A table smaller than this is read in one slice, rows and bytes.
const SMALL: (i64, i64) = (50_000, 32 << 20);

/// Heaps whose order follows the key less than this are read in their own order.
const IN_ORDER: f64 = 0.8;

/// Both sides' sessions of one lane.
pub(super) struct Readers {
    pub(super) source: Box<dyn RowReader>,
    pub(super) target: Box<dyn RowReader>,
}

/// What the comparison of a table came to, before its rows are described.
#[derive(Debug, Default)]
pub(super) struct Compared {
    pub(super) rows_source: i64,
    pub(super) rows_target: i64,
    pub(super) rechecked: Rechecked,
    /// By which slices each side can be read as a whole.
    pub(super) slices: [Vec<Slice>; 2],
}

/// One table's comparison.
pub(super) struct Comparison<'a> {
    pub(super) matched: &'a Matched,
    pub(super) readers: &'a mut Readers,
    pub(super) authority: Side,
    pub(super) stream: &'a dyn Stream,
    pub(super) pace: &'a Pace,
    pub(super) clock: &'a SharedClock,
    /// By which slices each side can be read as a whole: for tables without a key, whose rows can only be searched.
    slices: [Vec<Slice>; 2],
}

/// Rows by key, as one side holds them.
type ByKey = HashMap<Key, Sum>;

impl<'a> Comparison<'a> {
    pub(super) fn new(
        matched: &'a Matched,
        readers: &'a mut Readers,
        authority: Side,
        stream: &'a dyn Stream,
        pace: &'a Pace,
        clock: &'a SharedClock,
    ) -> Self {
        let slices = [vec![Slice::Whole], vec![Slice::Whole]];
        Comparison { matched, readers, authority, stream, pace, clock, slices }
    }

    /// Compares the whole table.
    pub(super) async fn run(mut self) -> Result<Compared> {
        let walk = self.plan().await?;
        let walker = Walker::new(walk, self.matched.rows, self.matched.bytes);
        let mut compared =
            if walker.compares_slices() { self.slice_by_slice(walker).await? } else { self.by_pages().await? };
        compared.slices = self.slices;
        Ok(compared)
    }

    /// How to walk: small tables whole, a key that the heap follows by its ranges, everything else by pages.
    async fn plan(&mut self) -> Result<Walk> {
        let m = self.matched;
        if m.rows < SMALL.0 && m.bytes < SMALL.1 {
            return Ok(Walk::Whole);
        }
        if !m.indexed {
            return Ok(PAGES);
        }
        let (a, b) = tokio::try_join!(self.readers.source.extent(&m.source), self.readers.target.extent(&m.target))?;
        // A side that was never analysed was just copied, in the order of the other.
        let in_order = [a, b].iter().all(|e| e.correlation.is_none_or(|c| c.abs() > IN_ORDER));
        let integer = |f: &Field| matches!(f.base_type.as_str(), "int2" | "int4" | "int8");
        // Texts sort by rules that differ between servers and their versions, and a type sorts only among its own.
        let sorted = |(a, b): (&Field, &Field)| {
            let same = matches!(a.base_type.as_str(), "uuid" | "date" | "timestamp" | "timestamptz")
                && a.base_type == b.base_type;
            same || integer(a) && integer(b)
        };
        if !in_order || !m.source.key_fields().zip(m.target.key_fields()).all(sorted) {
            return Ok(PAGES);
        }
        let fields: Vec<&Field> = m.source.key_fields().collect();
        match fields.as_slice() {
            [one] if integer(one) => {
                let Some((low, high)) = self.readers.source.key_bounds(&m.source).await? else {
                    return Ok(Walk::Whole);
                };
                let number = |k: &Key| k.0.first().and_then(|t| t.parse::<i128>().ok()).unwrap_or(0);
                let (low, high) = (number(&low), number(&high));
                let spread = ((high - low) as f64 / m.rows.max(1) as f64).max(1.0);
                Ok(Walk::Integers { begun: false, at: low - 1, high, spread })
            }
            _ => Ok(Walk::Keys { after: None }),
        }
    }

    /// Each slice is a set of keys that is compared alone. Narrowing waits until both sides were read, or until there is
    /// enough of it.
    async fn slice_by_slice(&mut self, mut walker: Walker) -> Result<Compared> {
        let mut compared = Compared::default();
        let mut suspects = Vec::new();
        let expectation = Expectation::default();
        while !walker.is_done() {
            let pipeline = Pipeline {
                matched: self.matched,
                source: self.readers.source.as_mut(),
                target: self.readers.target.as_mut(),
                pace: self.pace,
                clock: self.clock,
                expectation: &expectation,
            };
            let read = pipeline.run(&mut walker).await?;
            compared.rows_source += read.rows_source;
            compared.rows_target += read.rows_target;
            for m in read.mismatches {
                let differing = match m.differing {
                    Some(differing) => differing,
                    None => self.differing_buckets(&m.slice, m.by).await?,
                };
                let slices = [std::slice::from_ref(&m.slice), std::slice::from_ref(&m.slice)];
                self.narrow(slices, m.by, differing, &mut suspects, &mut compared.rechecked).await?;
            }
        }
        self.look_again(suspects, &mut compared.rechecked).await?;
        Ok(compared)
    }

    /// The buckets of a slice that differ, with the rows they hold.
    async fn differing_buckets(&mut self, slice: &Slice, by: Division) -> Result<Vec<(i64, i64)>> {
        let (source, target) = (self.readers.source.as_mut(), self.readers.target.as_mut());
        let (a, b) = tokio::try_join!(
            source.buckets(&self.matched.source, slice, by),
            target.buckets(&self.matched.target, slice, by)
        )?;
        Ok(differing(a.into_iter().collect(), b.into_iter().collect()))
    }

    /// Each side is read in its own order into sums per bucket, which are compared when both are done.
    async fn by_pages(&mut self) -> Result<Compared> {
        let m = self.matched;
        let (source, target) = (self.readers.source.as_mut(), self.readers.target.as_mut());
        let by = Division::Hash { mask: mask(m.rows) };
        let (a, b) = tokio::try_join!(
            PageWalk::new(source, &m.source, m, self.pace, self.clock).buckets(by),
            PageWalk::new(target, &m.target, m, self.pace, self.clock).buckets(by)
        )?;
        let mut compared = Compared { rows_source: a.rows, rows_target: b.rows, ..Compared::default() };
        let differing = differing(a.buckets, b.buckets);
        let mut suspects = Vec::new();
        self.slices = [a.slices, b.slices];
        let slices = self.slices.clone();
        self.narrow([&slices[0], &slices[1]], by, differing, &mut suspects, &mut compared.rechecked).await?;
        self.look_again(suspects, &mut compared.rechecked).await?;
        Ok(compared)
    }

    /// Reads the rows of differing buckets, as many as memory may hold at once, and collects the keys that differ.
    async fn narrow(
        &mut self,
        slices: [&[Slice]; 2],
        by: Division,
        mut differing: Vec<(i64, i64)>,
        suspects: &mut Vec<Key>,
        rechecked: &mut Rechecked,
    ) -> Result<()> {
        let m = self.matched;
        while !differing.is_empty() {
            let buckets = take_at_most(&mut differing, AT_ONCE);
            let (source, target) = (self.readers.source.as_mut(), self.readers.target.as_mut());
            let (a, b) = tokio::try_join!(
                rows_of(source, &m.source, slices[0], by, &buckets),
                rows_of(target, &m.target, slices[1], by, &buckets)
            )?;
            suspects.extend(differing_keys(a, b));
            if suspects.len() >= BATCH {
                self.look_again(std::mem::take(suspects), rechecked).await?;
            }
        }
        Ok(())
    }

    async fn look_again(&mut self, suspects: Vec<Key>, rechecked: &mut Rechecked) -> Result<()> {
        for batch in suspects.chunks(BATCH) {
            let mut sides = Live { comparison: self };
            rechecked.add(recheck(&mut sides, batch.to_vec()).await?);
        }
        Ok(())
    }
}

const PAGES: Walk = Walk::Pages { from: 0, pages: 0, density: 1.0 };

/// The pair as the recheck sees it.
struct Live<'a, 'b> {
    comparison: &'a mut Comparison<'b>,
}

impl Live<'_, '_> {
    async fn look(&mut self, side: Side, keys: &[Key]) -> Result<Vec<RowSum>> {
        let c = &mut *self.comparison;
        let (reader, relation, slices) = match side {
            Side::Source => (c.readers.source.as_mut(), &c.matched.source, &c.slices[0]),
            Side::Target => (c.readers.target.as_mut(), &c.matched.target, &c.slices[1]),
        };
        if !relation.key.is_empty() {
            return reader.rows(relation, keys).await;
        }
        // Without a key there is no index to ask: the whole is searched, slice by slice.
        let mask = MOST_BUCKETS - 1;
        let mut buckets: Vec<i64> =
            keys.iter().filter_map(|k| k.0.first()?.parse::<i64>().ok()).map(|hash| hash & mask).collect();
        buckets.sort_unstable();
        buckets.dedup();
        let mut found = rows_of(reader, relation, slices, Division::Hash { mask }, &buckets).await?;
        Ok(keys.iter().filter_map(|k| found.remove(k).map(|sum| RowSum { key: k.clone(), sum })).collect())
    }
}

#[async_trait]
impl Sides for Live<'_, '_> {
    async fn authority(&mut self, keys: &[Key]) -> Result<Vec<RowSum>> {
        self.look(self.comparison.authority, keys).await
    }

    async fn other(&mut self, keys: &[Key]) -> Result<Vec<RowSum>> {
        self.look(self.comparison.authority.other(), keys).await
    }

    async fn pass(&mut self) -> Result<()> {
        self.comparison.stream.pass().await
    }

    async fn ended(&mut self) -> Result<bool> {
        let c = &mut *self.comparison;
        match c.authority {
            Side::Source => c.readers.source.writers_ended().await,
            Side::Target => c.readers.target.writers_ended().await,
        }
    }
}

/// 2ⁿ−1 for buckets of about [`BUCKET_ROWS`] rows.
pub(super) fn mask(rows: i64) -> i64 {
    let buckets = (rows / BUCKET_ROWS).clamp(1, MOST_BUCKETS) as u64;
    (buckets.next_power_of_two() as i64 - 1).min(MOST_BUCKETS - 1)
}

/// Buckets whose sums differ, with the rows that the fuller side holds, in order.
pub(super) fn differing(a: HashMap<i64, Sum>, mut b: HashMap<i64, Sum>) -> Vec<(i64, i64)> {
    let mut out: Vec<(i64, i64)> = a
        .into_iter()
        .filter_map(|(bucket, sum)| {
            let other = b.remove(&bucket).unwrap_or_default();
            (other != sum).then_some((bucket, sum.rows.max(other.rows)))
        })
        .collect();
    out.extend(b.into_iter().map(|(bucket, sum)| (bucket, sum.rows)));
    out.sort_unstable();
    out
}

/// Takes buckets from the end until they hold `rows`; at least one.
fn take_at_most(differing: &mut Vec<(i64, i64)>, rows: i64) -> Vec<i64> {
    let mut taken = Vec::new();
    let mut held = 0;
    while let Some((bucket, rows_here)) = differing.pop() {
        held += rows_here;
        taken.push(bucket);
        if held >= rows {
            break;
        }
    }
    taken
}

async fn rows_of(
    reader: &mut dyn RowReader,
    relation: &Relation,
    slices: &[Slice],
    by: Division,
    buckets: &[i64],
) -> Result<ByKey> {
    let mut all = ByKey::new();
    for slice in slices {
        for row in reader.rows_in(relation, slice, by, buckets).await? {
            all.entry(row.key).or_default().add(row.sum);
        }
    }
    Ok(all)
}

fn differing_keys(a: ByKey, mut b: ByKey) -> Vec<Key> {
    let mut out: Vec<Key> =
        a.into_iter().filter(|(key, sum)| b.remove(key) != Some(*sum)).map(|(key, _)| key).collect();
    out.extend(b.into_keys());
    out
}

/// One side's walk by pages.
struct PageWalk<'a> {
    reader: &'a mut dyn RowReader,
    relation: &'a Relation,
    matched: &'a Matched,
    pace: &'a Pace,
    clock: &'a SharedClock,
}

/// What it read, and by which slices.
struct Walked {
    buckets: HashMap<i64, Sum>,
    slices: Vec<Slice>,
    rows: i64,
}

impl<'a> PageWalk<'a> {
    fn new(
        reader: &'a mut dyn RowReader,
        relation: &'a Relation,
        matched: &'a Matched,
        pace: &'a Pace,
        clock: &'a SharedClock,
    ) -> Self {
        PageWalk { reader, relation, matched, pace, clock }
    }

    async fn buckets(self, by: Division) -> Result<Walked> {
        let extent = self.reader.extent(self.relation).await?;
        let density = (self.matched.rows as f64 / extent.pages.max(1) as f64).max(0.001);
        let walk = Walk::Pages { from: 0, pages: extent.pages, density };
        let mut walker = Walker::new(walk, self.matched.rows, self.matched.bytes);
        let mut walked = Walked { buckets: HashMap::new(), slices: Vec::new(), rows: 0 };
        while let Some(slice) = walker.next(self.reader, self.relation).await? {
            let began = self.clock.instant();
            let found = match self.reader.buckets(self.relation, &slice, by).await {
                Ok(found) => found,
                Err(e) if e.kind == Kind::Deadline && walker.shrink() => continue,
                Err(e) => return Err(e),
            };
            let took: Duration = self.clock.instant().duration_since(began);
            let mut rows = 0;
            for (bucket, sum) in found {
                rows += sum.rows;
                walked.buckets.entry(bucket).or_default().add(sum);
            }
            walked.rows += rows;
            walker.advance(&slice, rows, took);
            walked.slices.push(slice);
            self.pace.read(rows, took).await;
        }
        Ok(walked)
    }
}

/// A table that vanished or changed its shape while it was read, said so.
pub(super) fn mid_pass(error: Error) -> Error {
    // undefined_table, undefined_column; the server's words may be in any language.
    if error.why.contains("42P01") || error.why.contains("42703") {
        let why = format!("{}; it was changed or dropped while it was compared: start the pass again", error.why);
        return Error::new(error.kind, error.doing, why);
    }
    error
}
