//! The initial copy: waits until every table is copied and streams, and says how far it is.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use std::{collections::HashMap, time::Instant};

use switchyard_model::{Side, ident::TableName, journal::Action};

use crate::{
    error::{Error, Kind, Result},
    facts::{ANALYSIS, Analysis, CopyFact, CopyState, CopyTableFact},
    replicate::{CopyProgress, TableCopyState},
    saga::{Cx, Observed, Step},
};

/// Errors without any progress for this long end the step.
const STUCK: Duration = Duration::from_secs(120);

/// After how long without a row or a table's step it is asked whether anybody is free to copy.
const IDLE: Duration = Duration::from_secs(8);

pub(super) struct Copy;

#[async_trait]
impl Step for Copy {
    fn name(&self) -> &'static str {
        "copy"
    }

    fn title(&self, cx: &Cx) -> String {
        format!("Copy every row from {} to {}", cx.pair.source.label, cx.pair.target.label)
    }

    fn deadline(&self, _: &Cx) -> Duration {
        Duration::from_secs(30 * 24 * 3600)
    }

    async fn actions(&self, cx: &Cx) -> Result<Vec<Action>> {
        Ok(vec![Action::new(&cx.pair.target.label, "the servers copy table by table; wait until every table streams")])
    }

    async fn observe(&self, cx: &Cx) -> Result<Observed> {
        let done = cx.pair.replicator.copy_progress(Side::Source).await?.is_done();
        Ok(if done { Observed::Done } else { Observed::NotDone })
    }

    async fn apply(&self, cx: &Cx) -> Result<Value> {
        let mut pace = Pace::new(estimates(cx).await?, cx.clock.instant());
        let errors_before = apply_errors(cx).await;
        loop {
            let progress = cx.pair.replicator.copy_progress(Side::Source).await?;
            let now = cx.clock.instant();
            let fact = pace.take(&progress, now);
            let rows: i64 = fact.tables.iter().map(|t| t.rows_done).sum();
            cx.progress.copy(fact);
            if progress.is_done() {
                return Ok(json!({ "tables": progress.tables.len(), "rows": rows }));
            }
            if now.duration_since(pace.moved_at) > IDLE {
                self.demand_workers(cx, &progress).await?;
                if apply_errors(cx).await > errors_before {
                    self.demand_slots(cx).await?;
                }
            }
            if now.duration_since(pace.moved_at) > STUCK {
                let errors = apply_errors(cx).await.unwrap_or(0) - errors_before.unwrap_or(0);
                if errors > 0 {
                    let why = format!(
                        "no row has moved for {STUCK:?} and the target reports {errors} errors; its log names them"
                    );
                    return Err(Error::new(Kind::Statement, self.title(cx), why));
                }
            }
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    }

    async fn undo(&self, _: &Cx) -> Result<()> {
        // The subscription's undo empties the tables.
        Ok(())
    }
}

impl Copy {
    /// Servers wait for a free worker without a word outside their logs, and may do so for ever.
    async fn demand_workers(&self, cx: &Cx, progress: &CopyProgress) -> Result<()> {
        let is_at_work = |s: &TableCopyState| match s {
            TableCopyState::Copying | TableCopyState::CatchingUp => true,
            TableCopyState::Waiting | TableCopyState::Ready => false,
        };
        if progress.tables.iter().any(|t| is_at_work(&t.state)) {
            return Ok(());
        }
        let server = cx.pair.target.catalog.server().await?;
        if server.used_logical_workers < server.max_logical_workers {
            return Ok(());
        }
        let why = format!(
            "all {} logical replication workers of {} are in use, so none is free to copy",
            server.max_logical_workers, cx.pair.target.label
        );
        Err(Error::new(Kind::NoFreeSlot, self.title(cx), why))
    }
}

impl Copy {
    /// Each table's copy makes a slot of its own for a moment; a server without a free one refuses it again and again.
    async fn demand_slots(&self, cx: &Cx) -> Result<()> {
        let server = cx.pair.source.catalog.server().await?;
        if server.used_slots < server.max_slots {
            return Ok(());
        }
        let why = format!(
            "all {} replication slots of {} are in use, and the copy of a table needs one of its own",
            server.max_slots, cx.pair.source.label
        );
        Err(Error::new(Kind::NoFreeSlot, self.title(cx), why))
    }
}

async fn apply_errors(cx: &Cx) -> Option<i64> {
    cx.pair.replicator.status(Side::Source).await.ok().and_then(|s| s.apply_errors)
}

/// The planner's row estimates of the source.
async fn estimates(cx: &Cx) -> Result<HashMap<TableName, i64>> {
    let analysis: Option<(i64, Analysis)> = cx.book.store().snapshot(cx.book.migration(), ANALYSIS).await?;
    Ok(analysis.map_or_else(HashMap::new, |(_, a)| {
        a.source.tables.iter().map(|t| (t.name.clone(), t.estimated_rows.max(0))).collect()
    }))
}

/// Turns the server's counters into rows done and a pace.
struct Pace {
    estimates: HashMap<TableName, i64>,
    best: HashMap<TableName, i64>,
    history: std::collections::VecDeque<(Instant, i64)>,
    states: Vec<CopyState>,
    moved_at: Instant,
}

impl Pace {
    fn new(estimates: HashMap<TableName, i64>, now: Instant) -> Self {
        Pace {
            estimates,
            best: HashMap::new(),
            history: std::collections::VecDeque::new(),
            states: Vec::new(),
            moved_at: now,
        }
    }

    fn take(&mut self, progress: &CopyProgress, now: Instant) -> CopyFact {
        let tables: Vec<CopyTableFact> = progress.tables.iter().map(|t| self.table(t)).collect();
        let rows: i64 = tables.iter().map(|t| t.rows_done).sum();
        // A small table is over before its rows are seen, and an empty one has none.
        let states: Vec<CopyState> = tables.iter().map(|t| t.state).collect();
        if self.history.back().is_none_or(|(_, before)| rows != *before) || states != self.states {
            self.moved_at = now;
        }
        self.states = states;
        self.history.push_back((now, rows));
        while self.history.len() > 2
            && self.history.front().is_some_and(|(t, _)| now.duration_since(*t) > Duration::from_secs(5))
        {
            self.history.pop_front();
        }
        CopyFact { rows_per_s: self.rows_per_s(), done: progress.is_done(), tables }
    }

    fn table(&mut self, t: &crate::replicate::TableCopy) -> CopyTableFact {
        let estimate = self.estimates.get(&t.table).copied().unwrap_or(0);
        let best = self.best.entry(t.table.clone()).or_insert(0);
        *best = (*best).max(t.rows_done.unwrap_or(0));
        let (state, rows_done) = match t.state {
            TableCopyState::Waiting => (CopyState::Waiting, 0),
            TableCopyState::Copying => (CopyState::Copying, *best),
            // The server forgets its counter when a copy ends; the estimate is the better figure then.
            TableCopyState::CatchingUp => (CopyState::CatchingUp, (*best).max(estimate)),
            TableCopyState::Ready => (CopyState::Ready, (*best).max(estimate)),
        };
        CopyTableFact { table: t.table.plain(), state, rows_done, rows_total: estimate.max(rows_done) }
    }

    fn rows_per_s(&self) -> Option<f64> {
        let ((t0, r0), (t1, r1)) = (self.history.front()?, self.history.back()?);
        let seconds = t1.duration_since(*t0).as_secs_f64();
        (seconds > 0.5).then(|| (r1 - r0) as f64 / seconds)
    }
}
