//! Mending what was chosen: batch by batch, each journaled, with what is left in the store.

use switchyard_model::{
    Side,
    ident::TableName,
    journal::Entry,
    repair::{RepairCount, Repaired},
};

use super::chosen::{Chosen, Pages};
use crate::{
    error::Result,
    reconcile::repair::{Mended, Mender, order},
    saga::Cx,
    store::KeptFinding,
};

/// Findings that are read and mended at once, and journaled together.
const AT_ONCE: i64 = 500;

/// One run of a repair.
pub(super) struct Run<'a> {
    pub(super) cx: &'a Cx,
    pub(super) mender: Mender<'a>,
    /// The side that is written to.
    pub(super) side: Side,
    pub(super) count: RepairCount,
    /// How many were chosen.
    pub(super) rows: i64,
}

impl Run<'_> {
    /// Mends a table: rows that have to go first, since they may hold what must be unique; then those that change; then those
    /// that are missing. Rows that stood in each other's way come once more at the end.
    pub(super) async fn table(&mut self, chosen: &Chosen) -> Result<()> {
        let mut again = Vec::new();
        for kind in order(self.side.other()) {
            let mut pages = Pages::of(chosen);
            while let Some(mut page) = pages.next(self.cx, AT_ONCE).await? {
                page.retain(|k| k.finding.kind == kind);
                again.extend(self.batch(&chosen.table, page, true).await?);
            }
        }
        let mut may_again = true;
        while !again.is_empty() {
            let before = again.len();
            for some in std::mem::take(&mut again).chunks(AT_ONCE as usize) {
                again.extend(self.batch(&chosen.table, some.to_vec(), may_again).await?);
            }
            // Where none of them got through none ever will: the next time is the last one, and says why.
            may_again = again.len() < before;
        }
        settle(self.cx, &chosen.table, self.side).await
    }

    /// Mends some rows, journals what became of them, and forgets those that are equal. Returns those that shall come again,
    /// where they may.
    async fn batch(&mut self, table: &TableName, page: Vec<KeptFinding>, may_again: bool) -> Result<Vec<KeptFinding>> {
        if page.is_empty() {
            return Ok(Vec::new());
        }
        let findings: Vec<_> = page.iter().map(|k| k.finding.clone()).collect();
        let mended = self.mender.mend(table, &findings).await?;
        let (mut rows, mut again, mut equal) = (Vec::new(), Vec::new(), Vec::new());
        for (kept, Mended { row, again: stood }) in page.into_iter().zip(mended) {
            if row.outcome.is_equal() {
                equal.push(kept.finding.key.clone());
            }
            if may_again && stood {
                again.push(kept);
            } else {
                rows.push(row);
            }
        }
        self.count.add(RepairCount::of(&rows));
        let repaired = Repaired { table: table.clone(), side: self.side, rows };
        if !repaired.rows.is_empty() {
            self.cx.book.record(Entry::Repaired { run: self.cx.run, repaired }).await?;
        }
        self.cx.book.store().drop_findings(self.cx.book.migration(), table, &equal).await?;
        self.cx.progress.say(format!("{} of {} rows: {}", self.count.rows(), self.rows, self.count.words()));
        Ok(again)
    }
}

/// What is left of a table's findings decides where it stands.
async fn settle(cx: &Cx, table: &TableName, side: Side) -> Result<()> {
    let (store, migration) = (cx.book.store(), cx.book.migration());
    let standings = store.standings(migration).await?;
    let Some(mut standing) = standings.into_iter().find(|s| s.table == *table) else { return Ok(()) };
    standing.findings = store.count_findings(migration, table).await?;
    standing.judge(side.other());
    store.put_standing(migration, &standing).await
}
