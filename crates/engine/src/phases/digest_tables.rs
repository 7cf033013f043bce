//! Every table is compared on both sides.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use serde_json::{Value, json};
use switchyard_model::{
    Side,
    ident::TableName,
    journal::{Action, Entry},
    reconcile::{Finding, TableReport, TableVerdict},
    validation::{TableOutcome, TableResult, Validation},
};

use crate::{
    error::Result,
    reconcile::{ATTEMPTS, Findings, Kept, Pace, Pass, Reports, pair},
    saga::{Arrives, Cx, Observed, Step},
};

/// Sessions per side: few enough for a production server, and the small tables do not wait behind the large one.
const LANES: usize = 2;

pub(super) struct DigestTables;

/// Reports go to the store, and what the journal needs of them stays here.
struct Journaled {
    kept: Kept,
    authority: Side,
    results: Mutex<Vec<TableResult>>,
}

#[async_trait]
impl Findings for Journaled {
    async fn begin(&self, table: &TableName) -> Result<()> {
        self.kept.begin(table).await
    }

    async fn found(&self, table: &TableName, findings: Vec<Finding>) -> Result<()> {
        self.kept.found(table, findings).await
    }
}

#[async_trait]
impl Reports for Journaled {
    async fn compared(&self, report: TableReport) -> Result<()> {
        self.results.lock().unwrap_or_else(PoisonError::into_inner).push(result(&report, self.authority));
        self.kept.compared(report).await
    }
}

#[async_trait]
impl Step for DigestTables {
    fn name(&self) -> &'static str {
        "digest_tables"
    }

    fn title(&self, _: &Cx) -> String {
        "Compare every row of every table on both sides".to_owned()
    }

    fn deadline(&self, _: &Cx) -> Duration {
        Duration::from_secs(24 * 3600)
    }

    async fn actions(&self, cx: &Cx) -> Result<Vec<Action>> {
        let sql = "SELECT count(*), sum(hash_record_extended(ROW(…), 0)) FROM every table, slice by slice (read only)";
        Ok(vec![Action::new(&cx.pair.source.label, sql), Action::new(&cx.pair.target.label, sql)])
    }

    async fn observe(&self, _: &Cx) -> Result<Observed> {
        Ok(Observed::NotDone)
    }

    async fn apply(&self, cx: &Cx) -> Result<Value> {
        let began = cx.clock.instant();
        let scope = cx.scope().await?.fence;
        let (source, target) = (&cx.pair.source, &cx.pair.target);
        let now = cx.clock.now();
        let (here, there) = tokio::try_join!(source.catalog.inventory(now), target.catalog.inventory(now))?;
        let in_scope = |name: &TableName| scope.contains(name);
        let pairing = pair(&here, &there, in_scope, |base| source.rows.rendering(base, false));
        let total: i64 = pairing.tables.iter().map(|m| m.rows).sum();
        let tables = pairing.tables.len();
        let pace = Pace::default();
        let authority = cx.state.authority;
        let beats = Arrives::new(cx.clone(), authority);
        let kept = Kept::new(cx.book.store().clone(), cx.book.migration(), authority, cx.clock.clone()).await?;
        let reports = Journaled { kept, authority, results: Mutex::default() };
        let pass =
            Pass { source, target, authority, stream: &beats, lanes: LANES, pace: &pace, clock: cx.clock.clone() };
        tokio::select! {
            done = pass.run_into(pairing, &reports) => drop(done?),
            never = tell(cx, &pace, tables, total) => match never {},
        }
        let mut tables = reports.results.into_inner().unwrap_or_else(PoisonError::into_inner);
        tables.sort_by(|a, b| a.table.cmp(&b.table));
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

/// Says how far it is, until it is dropped.
async fn tell(cx: &Cx, pace: &Pace, tables: usize, rows: i64) -> std::convert::Infallible {
    let began = cx.clock.instant();
    loop {
        // Both sides are counted, the estimate is of one.
        let read = pace.rows() / 2;
        let seconds = cx.clock.instant().duration_since(began).as_secs_f64();
        let rate = read as f64 / seconds.max(0.1);
        cx.progress.say(format!("{} of {tables} tables, {read} of about {rows} rows, {rate:.0} rows/s", pace.tables()));
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

fn result(report: &TableReport, authority: Side) -> TableResult {
    let outcome = match report.verdict(authority) {
        TableVerdict::Equal => TableOutcome::Equal,
        TableVerdict::Unproven => match report.lost(authority) {
            Some(lost) => {
                let column = lost.column.as_deref().unwrap_or_default();
                TableOutcome::NotCompared { why: format!("column {column}: {}", lost.reason) }
            }
            None => TableOutcome::Hot { attempts: ATTEMPTS },
        },
        TableVerdict::Different => {
            let hot = match report.hot.len() {
                0 => String::new(),
                n => format!(", {n} more kept changing"),
            };
            TableOutcome::Different { why: format!("{} rows differ{hot}", report.found) }
        }
        TableVerdict::NotCompared => {
            let why = report.not_compared.iter().find(|n| n.column.is_none());
            TableOutcome::NotCompared { why: why.map_or_else(String::new, |n| n.reason.clone()) }
        }
    };
    // Where the tables were proven equal although their first sums differed, rows were in flight: the count of one stands
    // for both, since each had every row that rested.
    let equal = outcome == TableOutcome::Equal;
    TableResult {
        table: report.table.clone(),
        rows_source: report.rows_source,
        rows_target: if equal { report.rows_source } else { report.rows_target },
        outcome,
        ms: (report.seconds * 1000.0) as i64,
        at: report.at,
    }
}
