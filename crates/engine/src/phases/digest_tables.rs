//! Every table is counted and digested on both sides.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use switchyard_model::{
    Side,
    inventory::Table,
    journal::{Action, Entry},
    validation::{TableOutcome, TableResult, Validation},
};

use crate::{
    db::KeyDigest,
    error::Result,
    reconcile::{Sides, compare},
    saga::{Cx, Observed, Step},
};

pub(super) struct DigestTables;

/// The pair as the recheck sees it.
struct Live<'a> {
    cx: &'a Cx,
    authority: Side,
}

#[async_trait]
impl Sides for Live<'_> {
    async fn authority(&self, table: &Table, keys: &[i64]) -> Result<Vec<KeyDigest>> {
        self.cx.pair.db(self.authority).key_digests.keys(table, keys).await
    }

    async fn other(&self, table: &Table, keys: &[i64]) -> Result<Vec<KeyDigest>> {
        self.cx.pair.db(self.authority.other()).key_digests.keys(table, keys).await
    }

    async fn pass(&self) -> Result<()> {
        self.cx.beat_arrives(self.authority, Duration::from_millis(5)).await?;
        Ok(())
    }
}

async fn one(cx: &Cx, table: &Table) -> TableResult {
    let authority = cx.state.authority;
    let live = Live { cx, authority };
    let (a, b) = (cx.pair.db(authority), cx.pair.db(authority.other()));
    match compare(a, b, table, &live, cx.clock.as_ref()).await {
        Ok(result) => result,
        // A table that cannot be read keeps its line, so that coverage stays honest.
        Err(e) => TableResult {
            table: table.name.clone(),
            rows_source: 0,
            rows_target: 0,
            outcome: TableOutcome::NotCompared { why: format!("{e}. {}", e.remedy()) },
            ms: 0,
            at: cx.clock.now(),
        },
    }
}

#[async_trait]
impl Step for DigestTables {
    fn name(&self) -> &'static str {
        "digest_tables"
    }

    fn title(&self, _: &Cx) -> String {
        "Count and digest every table on both sides".to_owned()
    }

    fn deadline(&self, _: &Cx) -> Duration {
        Duration::from_secs(24 * 3600)
    }

    async fn actions(&self, cx: &Cx) -> Result<Vec<Action>> {
        let sql = "SELECT count(*), sum(hash_record_extended(ROW(…), 0)) FROM every table (read only)";
        Ok(vec![Action::new(&cx.pair.source.label, sql), Action::new(&cx.pair.target.label, sql)])
    }

    async fn observe(&self, _: &Cx) -> Result<Observed> {
        Ok(Observed::NotDone)
    }

    async fn apply(&self, cx: &Cx) -> Result<Value> {
        let began = cx.clock.instant();
        let scope = cx.scope().await?;
        let inventory = cx.pair.db(cx.state.authority).catalog.inventory(cx.clock.now()).await?;
        let leaves: Vec<&Table> = inventory.leaves().filter(|t| scope.fence.contains(&t.name)).collect();
        let mut tables = Vec::with_capacity(leaves.len());
        for (i, table) in leaves.iter().enumerate() {
            cx.progress.say(format!("{} ({} of {})", table.name.plain(), i + 1, leaves.len()));
            tables.push(one(cx, table).await);
        }
        let ms = cx.clock.instant().duration_since(began).as_millis() as i64;
        let validation = Validation { tables, at: cx.clock.now(), ms };
        let summary = json!({
            "tables": validation.tables.len(),
            "rows": validation.rows(),
            "findings": validation.findings(),
            "unproven": validation.unproven(),
        });
        cx.book.record(Entry::Validated { run: cx.run, validation }).await?;
        Ok(summary)
    }

    async fn undo(&self, _: &Cx) -> Result<()> {
        Ok(())
    }
}
