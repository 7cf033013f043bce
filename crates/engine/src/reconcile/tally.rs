//! What looking again at the rows of one table came to: findings go out as soon as they are known, the rest is counted.

use async_trait::async_trait;
use switchyard_model::{
    Side,
    ident::TableName,
    reconcile::{Finding, Key},
};

use super::{describe, pairing::Matched, recheck::Rechecked, table::Readers};
use crate::{clock::SharedClock, db::rows::Slice, error::Result};

/// Rows whose values are read at once; a value may be long.
const DESCRIBED_AT_ONCE: usize = 200;

/// Hot rows that are named; more are only counted.
const NAMED_HOT: usize = 1_000;

/// Where findings go. A pass keeps none in memory: a table may differ in every row.
#[async_trait]
pub trait Findings: Send + Sync {
    /// A table is compared from its beginning; what was told of it by this pass before is void.
    async fn begin(&self, table: &TableName) -> Result<()>;
    /// These rows of it differ.
    async fn found(&self, table: &TableName, findings: Vec<Finding>) -> Result<()>;
}

/// The outcome for one table so far.
pub(super) struct Tally<'a> {
    matched: &'a Matched,
    authority: Side,
    findings: &'a dyn Findings,
    clock: &'a SharedClock,
    /// Rows that stayed different.
    pub(super) found: i64,
    /// The first rows that changed on every attempt.
    pub(super) hot: Vec<Vec<(String, String)>>,
    /// Rows that were equal after all.
    pub(super) in_flight: i64,
}

impl<'a> Tally<'a> {
    pub(super) fn new(
        matched: &'a Matched,
        authority: Side,
        findings: &'a dyn Findings,
        clock: &'a SharedClock,
    ) -> Self {
        Tally { matched, authority, findings, clock, found: 0, hot: Vec::new(), in_flight: 0 }
    }

    /// Takes in what became of some rows; reads the values of those that differ.
    pub(super) async fn take(
        &mut self,
        rechecked: Rechecked,
        readers: &mut Readers,
        slices: &[Vec<Slice>; 2],
    ) -> Result<()> {
        self.in_flight += rechecked.in_flight;
        let room = NAMED_HOT.saturating_sub(self.hot.len());
        self.hot.extend(rechecked.hot.iter().take(room).map(|k| describe::named(&self.matched.source, k)));
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
            self.found += some.len() as i64;
            self.findings.found(&self.matched.source.name, some).await?;
        }
        Ok(())
    }
}
