//! What looking again at the rows of one table came to: findings go out as soon as they are known, the rest is counted.

use std::time::Duration;

use async_trait::async_trait;
use switchyard_model::{
    Side,
    ident::TableName,
    reconcile::{Finding, Key},
};

use super::{
    checkpoint::{Checkpoint, Told},
    describe,
    pairing::Matched,
    recheck::Rechecked,
    table::Readers,
};
use crate::{clock::SharedClock, db::rows::Slice, error::Result};

/// Rows whose values are read at once; a value may be long.
const DESCRIBED_AT_ONCE: usize = 200;

/// Hot rows that are named; more are only counted.
const NAMED_HOT: usize = 1_000;

/// Where findings go. A pass keeps none in memory: a table may differ in every row.
#[async_trait]
pub trait Findings: Send + Sync {
    /// A table's comparison begins. Returns how far an earlier one came that may be gone on with; what was told after that
    /// is void then, and else all that was told of the table by this pass. `shape` is what it is compared as; without one it
    /// begins at its beginning.
    async fn begin(&self, table: &TableName, shape: Option<&str>) -> Result<Option<Checkpoint>>;
    /// These rows of it differ.
    async fn found(&self, table: &TableName, findings: Vec<Finding>) -> Result<()>;
    /// A table is compared so far; everything found until there was told.
    async fn reached(&self, checkpoint: Checkpoint) -> Result<()>;
    /// How often it wants to know; zero is after each slice, whatever that costs.
    fn every(&self) -> Duration {
        Duration::from_secs(2)
    }
}

/// The outcome for one table so far.
pub(super) struct Tally<'a> {
    matched: &'a Matched,
    authority: Side,
    findings: &'a dyn Findings,
    clock: &'a SharedClock,
    /// What became of rows so far: those that stayed different, the first that changed on every attempt, and those that were
    /// equal after all.
    pub(super) told: Told,
}

impl<'a> Tally<'a> {
    pub(super) fn new(
        matched: &'a Matched,
        authority: Side,
        findings: &'a dyn Findings,
        clock: &'a SharedClock,
    ) -> Self {
        Tally { matched, authority, findings, clock, told: Told::default() }
    }

    /// Takes in what became of some rows; reads the values of those that differ.
    pub(super) async fn take(
        &mut self,
        rechecked: Rechecked,
        readers: &mut Readers,
        slices: &[Vec<Slice>; 2],
    ) -> Result<()> {
        self.told.in_flight += rechecked.in_flight;
        let room = NAMED_HOT.saturating_sub(self.told.hot.len());
        self.told.hot.extend(rechecked.hot.iter().take(room).map(|k| describe::named(&self.matched.source, k)));
        for batch in rechecked.different.chunks(DESCRIBED_AT_ONCE) {
            let by_side: Vec<_> = batch
                .iter()
                .map(|(key, authority, other): &(Key, _, _)| match self.authority {
                    Side::Source => (key, *authority, *other),
                    Side::Target => (key, *other, *authority),
                })
                .collect();
            let mut some = describe::findings(readers, self.matched, slices, &by_side, self.clock.now()).await?;
            some.sort_by(|a, b| a.key.cmp(&b.key));
            self.told.found += some.len() as i64;
            self.findings.found(&self.matched.source.name, some).await?;
        }
        Ok(())
    }
}
