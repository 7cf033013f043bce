//! One table: walked slice by slice on both sides at once, narrowed where sums differ, and looked at again.

use std::collections::HashSet;

use async_trait::async_trait;
use switchyard_model::{Side, reconcile::Key};

use super::{
    Stream,
    buckets::{BUCKET_ROWS, ByKey, MOST_BUCKETS, differing, differing_keys, mask, rows_of, take_at_most},
    checkpoint::{Checkpoints, Place},
    pace::Pace,
    pages::{PageWalks, PagesRead},
    pairing::Matched,
    pipeline::{Behind, Expectation, Pipeline},
    recheck::{Sides, recheck},
    tally::Tally,
    walk::{Walk, Walker},
};
use crate::{
    clock::SharedClock,
    db::Database,
    db::rows::{Division, Extent, Field, Relation, RowReader, RowSum, Slice},
    error::{Error, Kind, Result},
};

/// A walk by pages has as many at least, since a table may hold more rows than it is believed to.
const FEWEST_BUCKETS: i64 = 1 << 12;

/// Rows of differing buckets that are fetched at once, per side.
const AT_ONCE: i64 = 100_000;

/// Changed rows whose hashes are added up to one sum.
const PER_SUM: usize = 200;

/// Keys that are looked at again at once.
const BATCH: i64 = 1_000;

/// Bytes of rows that are read again at once.
const BYTES_AT_ONCE: i64 = 256 << 20;

/// A table smaller than this is read in one slice, rows and bytes.
const SMALL: (i64, i64) = (50_000, 32 << 20);

/// Heaps whose order follows the key less than this are read in their own order.
const IN_ORDER: f64 = 0.8;

/// Both sides' sessions of one lane.
pub struct Readers {
    pub(super) source: Box<dyn RowReader>,
    pub(super) target: Box<dyn RowReader>,
}

impl Readers {
    /// Opens a session on each side.
    ///
    /// # Errors
    /// When a side does not let us in.
    pub async fn open(source: &Database, target: &Database) -> Result<Readers> {
        let (source, target) = tokio::try_join!(source.rows.open(), target.rows.open())?;
        Ok(Readers { source, target })
    }

    /// Finds renderings on which both sides' hashes agree, and sets them; returns what the servers hash differently, in
    /// sentences.
    ///
    /// # Errors
    /// `Unsuitable` when a type has no rendering on which both agree.
    pub async fn agree(&mut self, tables: &mut [Matched]) -> Result<Vec<String>> {
        super::hashes::agree(self.source.as_mut(), self.target.as_mut(), tables).await
    }

    /// Hands both sessions back.
    pub async fn close(self) {
        tokio::join!(self.source.close(), self.target.close());
    }
}

/// How many rows a comparison read.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Compared {
    pub(super) rows_source: i64,
    pub(super) rows_target: i64,
}

impl Compared {
    /// All of it before the walk's next slice.
    pub(super) fn at(self, walker: Walker) -> Place {
        Place::Slices { walker, rows_source: self.rows_source, rows_target: self.rows_target }
    }
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
    /// Whether any row was looked at again.
    looked: bool,
}

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
        Comparison { matched, readers, authority, stream, pace, clock, slices, looked: false }
    }

    /// Compares the whole table, or what is left of it behind a checkpoint.
    pub(super) async fn run(
        mut self,
        from: Option<Place>,
        checkpoints: &Checkpoints<'_>,
        tally: &mut Tally<'_>,
    ) -> Result<Compared> {
        match from {
            Some(Place::Slices { walker, rows_source, rows_target }) => {
                let so_far = Compared { rows_source, rows_target };
                self.slice_by_slice(walker, so_far, checkpoints, tally).await
            }
            Some(Place::Pages { mask, sides }) if self.same_heaps(&sides).await? => {
                self.by_pages(mask, *sides, checkpoints, tally).await
            }
            Some(Place::Pages { .. }) | None => self.whole(checkpoints, tally).await,
        }
    }

    async fn whole(mut self, checkpoints: &Checkpoints<'_>, tally: &mut Tally<'_>) -> Result<Compared> {
        let walk = self.plan().await?;
        let walker = Walker::new(walk, self.matched.rows, self.matched.bytes);
        if !walker.compares_slices() {
            return self.all_pages(false, checkpoints, tally).await;
        }
        match self.slice_by_slice(walker, Compared::default(), checkpoints, tally).await {
            // The table is larger or slower than it seemed. Nothing was told of it yet, and pages can be divided further.
            Err(e) if e.kind == Kind::Deadline && !self.looked => self.all_pages(true, checkpoints, tally).await,
            other => other,
        }
    }

    async fn extents(&mut self) -> Result<[Extent; 2]> {
        let m = self.matched;
        let (a, b) = tokio::try_join!(self.readers.source.extent(&m.source), self.readers.target.extent(&m.target))?;
        Ok([a, b])
    }

    /// Whether pages that were read before the process ended still are the pages of these tables.
    async fn same_heaps(&mut self, sides: &[PagesRead; 2]) -> Result<bool> {
        let now = self.extents().await?;
        Ok(sides.iter().zip(now).all(|(read, now)| read.heap == now.heap))
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
        // A side that was never analysed was just copied, in the order of the other.
        let in_order = self.extents().await?.iter().all(|e| e.correlation.is_none_or(|c| c.abs() > IN_ORDER));
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
    async fn slice_by_slice(
        &mut self,
        mut walker: Walker,
        mut compared: Compared,
        checkpoints: &Checkpoints<'_>,
        tally: &mut Tally<'_>,
    ) -> Result<Compared> {
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
                checkpoints,
                behind: Behind { compared, told: &tally.told, settled: suspects.is_empty() },
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
                self.narrow(slices, m.by, differing, &mut suspects, tally).await?;
            }
            if checkpoints.due() && !walker.is_done() {
                self.look_again(std::mem::take(&mut suspects), tally).await?;
                checkpoints.reached(compared.at(walker.clone()), &tally.told).await?;
            }
        }
        self.look_again(suspects, tally).await?;
        Ok(compared)
    }

    /// The buckets of a slice that differ, with the rows they hold.
    async fn differing_buckets(&mut self, slice: &Slice, by: Division) -> Result<Vec<(i64, i64)>> {
        let (source, target) = (self.readers.source.as_mut(), self.readers.target.as_mut());
        // Both to their end: a session whose statement was given up would answer the next one with its error.
        let (a, b) = tokio::join!(
            source.buckets(&self.matched.source, slice, by),
            target.buckets(&self.matched.target, slice, by)
        );
        Ok(differing(a?.into_iter().collect(), b?.into_iter().collect()))
    }

    /// All pages of both sides; `slow` begins with small slices.
    async fn all_pages(
        &mut self,
        slow: bool,
        checkpoints: &Checkpoints<'_>,
        tally: &mut Tally<'_>,
    ) -> Result<Compared> {
        let m = self.matched;
        let sides = self.extents().await?.map(|extent| PagesRead::nothing(m, extent, slow));
        self.by_pages(mask(m.rows.max(FEWEST_BUCKETS * BUCKET_ROWS)), sides, checkpoints, tally).await
    }

    /// Each side is read in its own order into sums per bucket, which are compared when both are done.
    async fn by_pages(
        &mut self,
        mask: i64,
        sides: [PagesRead; 2],
        checkpoints: &Checkpoints<'_>,
        tally: &mut Tally<'_>,
    ) -> Result<Compared> {
        let walks = PageWalks::from(self.matched, self.pace, self.clock, checkpoints, mask, sides);
        let [a, b] = walks.run(self.readers.source.as_mut(), self.readers.target.as_mut()).await?;
        let by = Division::Hash { mask };
        let compared = Compared { rows_source: a.rows, rows_target: b.rows };
        let differing = differing(a.buckets, b.buckets);
        let mut suspects = Vec::new();
        self.slices = [a.slices, b.slices];
        let slices = self.slices.clone();
        self.narrow([&slices[0], &slices[1]], by, differing, &mut suspects, tally).await?;
        self.look_again(suspects, tally).await?;
        Ok(compared)
    }

    /// Reads the rows of differing buckets, as many as memory may hold at once, and collects the keys that differ.
    async fn narrow(
        &mut self,
        slices: [&[Slice]; 2],
        by: Division,
        mut differing: Vec<(i64, i64)>,
        suspects: &mut Vec<Key>,
        tally: &mut Tally<'_>,
    ) -> Result<()> {
        let m = self.matched;
        while !differing.is_empty() {
            let buckets = take_at_most(&mut differing, at_once(m, AT_ONCE));
            let (source, target) = (self.readers.source.as_mut(), self.readers.target.as_mut());
            let (a, b) = tokio::join!(
                rows_of(source, &m.source, slices[0], by, &buckets),
                rows_of(target, &m.target, slices[1], by, &buckets)
            );
            let (a, b) = (a?, b?);
            let elsewhere = self.elsewhere(&a, &b).await?;
            suspects.extend(differing_keys(a, b).into_iter().filter(|key| !elsewhere.contains(key)));
            if suspects.len() as i64 >= BATCH {
                self.look_again(std::mem::take(suspects), tally).await?;
            }
        }
        Ok(())
    }

    /// Of a partition's rows that only the target has in it, those that the source has in another partition: they are that
    /// one's to compare.
    async fn elsewhere(&mut self, a: &ByKey, b: &ByKey) -> Result<HashSet<Key>> {
        let m = self.matched;
        let mut found = HashSet::new();
        if m.source.root.is_none() {
            return Ok(found);
        }
        let alone = Relation { root: None, ..m.source.clone() };
        let keys: Vec<Key> = b.keys().filter(|key| !a.contains_key(key)).cloned().collect();
        for batch in keys.chunks(at_once(m, BATCH) as usize) {
            let source = self.readers.source.as_mut();
            let anywhere = source.rows(&m.source, batch).await?;
            found.extend(anywhere.into_iter().map(|row| row.key));
            for row in source.rows(&alone, batch).await? {
                found.remove(&row.key);
            }
        }
        Ok(found)
    }

    /// Looks at rows whose keys are known to have changed: first at both sides at once, then by the rule at those that
    /// differ. Only of a table with a key. Returns the keys of rows that stayed different, and those of hot ones.
    pub(super) async fn verify(&mut self, keys: &[Key], tally: &mut Tally<'_>) -> Result<(Vec<Key>, Vec<Key>)> {
        let (m, readers) = (self.matched, &mut *self.readers);
        let (a, b) = tokio::try_join!(
            readers.source.sums_of(&m.source, keys, PER_SUM),
            readers.target.sums_of(&m.target, keys, PER_SUM)
        )?;
        let parts = differing(a.into_iter().collect(), b.into_iter().collect());
        let of_part = |(part, _): &(i64, i64)| keys.chunks(PER_SUM).nth(*part as usize).unwrap_or_default();
        let keys: Vec<Key> = parts.iter().flat_map(of_part).cloned().collect();
        if keys.is_empty() {
            return Ok((Vec::new(), Vec::new()));
        }
        let (a, b) = tokio::try_join!(readers.source.rows(&m.source, &keys), readers.target.rows(&m.target, &keys))?;
        let by_key = |rows: Vec<RowSum>| rows.into_iter().map(|r| (r.key, r.sum)).collect::<ByKey>();
        let suspects = differing_keys(by_key(a), by_key(b));
        let (mut different, mut hot) = (Vec::new(), Vec::new());
        for batch in suspects.chunks(at_once(m, BATCH) as usize) {
            let rechecked = recheck(&mut Live { comparison: self }, batch.to_vec()).await?;
            different.extend(rechecked.different.iter().map(|(key, _, _)| key.clone()));
            hot.extend(rechecked.hot.iter().cloned());
            tally.take(rechecked, self.readers, &self.slices).await?;
        }
        Ok((different, hot))
    }

    /// Looks again at keys that differed, and tells what stayed different.
    async fn look_again(&mut self, mut suspects: Vec<Key>, tally: &mut Tally<'_>) -> Result<()> {
        // The same key is in two buckets where both sides write it differently.
        suspects.sort_unstable();
        suspects.dedup();
        for batch in suspects.chunks(at_once(self.matched, BATCH) as usize) {
            self.looked = true;
            let rechecked = recheck(&mut Live { comparison: self }, batch.to_vec()).await?;
            tally.take(rechecked, self.readers, &self.slices).await?;
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
        Ok(keys.iter().filter_map(|k| found.remove(k).map(|sum| RowSum { key: k.clone(), sum, version: 0 })).collect())
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

/// How many of a table's rows are read again at once.
fn at_once(m: &Matched, most: i64) -> i64 {
    let width = (m.bytes / m.rows.max(1)).max(1);
    (BYTES_AT_ONCE / width).clamp(10, most)
}

/// A table that vanished or changed its shape while it was read, said so.
pub(super) fn mid_pass(error: Error) -> Error {
    // undefined_table, undefined_column, invalid_schema_name, datatype_mismatch, collation_mismatch, undefined_function,
    // undefined_object; the server's words may be in any language.
    const CHANGED: [&str; 7] = ["42P01", "42703", "3F000", "42804", "42P21", "42883", "42704"];
    if CHANGED.iter().any(|state| error.why.contains(&format!("SQLSTATE {state}"))) {
        let why = format!("{}; it was changed or dropped while it was compared: start the pass again", error.why);
        return Error::new(error.kind, error.doing, why);
    }
    error
}
