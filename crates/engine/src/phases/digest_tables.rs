//! Every table is compared on both sides.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use serde_json::{Value, json};
use switchyard_model::{
    Command, Side, UnixMs,
    ident::TableName,
    journal::{Action, Entry, Outcome},
    reconcile::{Finding, Standing, TableReport, TableVerdict},
    validation::{TableOutcome, TableResult, Validation},
};

use crate::{
    error::Result,
    reconcile::{ATTEMPTS, Checkpoint, Findings, Kept, Pace, Pass, Reports, WORTH_MS, pair},
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
    async fn begin(&self, table: &TableName, shape: Option<&str>) -> Result<Option<Checkpoint>> {
        self.kept.begin(table, shape).await
    }

    async fn reached(&self, checkpoint: Checkpoint) -> Result<()> {
        self.kept.reached(checkpoint).await
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
        let mut pairing = pair(&here, &there, in_scope, |base| source.rows.rendering(base, false));
        let total: i64 = pairing.tables.iter().map(|m| m.rows).sum();
        let tables = pairing.tables.len();
        let pace = Pace::default();
        let authority = cx.state.authority;
        let beats = Arrives::new(cx.clone(), authority);
        let kept = Kept::new(cx.book.store().clone(), cx.book.migration(), authority, cx.clock.clone()).await?;
        let earlier = earlier(cx).await?;
        let done = earlier.as_ref().map(|e| done(&e.standings, e.since)).unwrap_or_default();
        pairing.tables.retain(|m| !done.iter().any(|r| r.table == m.source.name));
        let kept = match &earlier {
            Some(earlier) => kept.resuming(earlier.since),
            None => kept,
        };
        let gone_on_with = done.len();
        let reports = Journaled { kept, authority, results: Mutex::new(done) };
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
            "compared_before": gone_on_with,
            "rows_read_before": pace.resumed(),
        });
        cx.book.record(Entry::Validated { run: cx.run, validation }).await?;
        Ok(summary)
    }

    async fn undo(&self, _: &Cx) -> Result<()> {
        Ok(())
    }
}

/// A validation that was cut off, and what is known of the tables since.
struct Earlier {
    since: UnixMs,
    standings: Vec<Standing>,
}

/// The validation before this one, where it was taken back before its end: what it compared need not be compared again.
async fn earlier(cx: &Cx) -> Result<Option<Earlier>> {
    let Some(last) = &cx.state.last_run else { return Ok(None) };
    let cut = matches!((&last.command, &last.ended), (Command::Validate, Some((_, Outcome::Undone, _))));
    if !cut || cx.clock.now() - last.started > WORTH_MS {
        return Ok(None);
    }
    let standings = cx.book.store().standings(cx.book.migration()).await?;
    Ok(Some(Earlier { since: last.started, standings }))
}

/// Tables that were compared to their end since.
fn done(standings: &[Standing], since: UnixMs) -> Vec<TableResult> {
    let result = |s: &Standing| {
        let outcome = match s.verdict {
            TableVerdict::Equal => TableOutcome::Equal,
            TableVerdict::Different => TableOutcome::Different { why: format!("{} rows differ", s.findings) },
            // These may come to something now.
            TableVerdict::Unproven | TableVerdict::NotCompared => return None,
        };
        Some(TableResult {
            table: s.table.clone(),
            rows_source: s.rows_source,
            rows_target: s.rows_target,
            outcome,
            ms: (s.seconds * 1000.0) as i64,
            at: s.full_at,
        })
    };
    standings.iter().filter(|s| s.full_began >= since).filter_map(result).collect()
}

/// Says how far it is, until it is dropped.
async fn tell(cx: &Cx, pace: &Pace, tables: usize, rows: i64) -> std::convert::Infallible {
    let began = cx.clock.instant();
    loop {
        // Both sides are counted, the estimate is of one.
        let read = (pace.rows() + pace.resumed()) / 2;
        let seconds = cx.clock.instant().duration_since(began).as_secs_f64();
        let rate = (pace.rows() / 2) as f64 / seconds.max(0.1);
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
