//! A full pass that runs beside everything else: in a task of its own, so that changes are followed meanwhile.

use std::{
    collections::{HashSet, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

use switchyard_model::{UnixMs, ident::TableName, reconcile::PassProgress};
use tokio::task::JoinHandle;

use crate::{
    conductor::Live,
    error::{Error, Kind, Result},
    reconcile::{Kept, Pace, Pairing, Pass, WORTH_MS},
    saga::{Arrives, Cx},
};

/// Over how long the pace is averaged.
const WINDOW: Duration = Duration::from_secs(15);

/// A pass that runs.
pub(super) struct Running {
    task: JoinHandle<Result<()>>,
    pub(super) pace: Arc<Pace>,
    /// What it compares.
    pub(super) tables: Vec<TableName>,
    began: UnixMs,
    rows_total: i64,
    /// Rows read on one side at some moments of the last seconds.
    seen: VecDeque<(Instant, i64)>,
}

impl Running {
    /// Starts over the tables of a pairing; those of `anew` from their beginning, whatever was compared of them.
    pub(super) async fn start(
        live: &Arc<Live>,
        cx: Cx,
        pairing: Pairing,
        followed: HashSet<TableName>,
        anew: HashSet<TableName>,
        duty: u32,
    ) -> Result<Running> {
        let authority = cx.state.authority;
        let clock = live.parts.clock.clone();
        let kept = Kept::new(live.parts.store.clone(), live.book.migration(), authority, clock.clone()).await?;
        let kept = kept.with_followed(followed).resuming(clock.now() - WORTH_MS).anew(anew);
        let pace = Arc::new(Pace::default());
        pace.throttle(duty);
        let mut tables: Vec<TableName> = pairing.tables.iter().map(|m| m.source.name.clone()).collect();
        tables.extend(pairing.left_out.iter().map(|(name, _)| name.clone()));
        let rows_total = pairing.tables.iter().map(|m| m.rows).sum();
        let began = clock.now();
        let (shared, lanes) = (pace.clone(), if duty < 50 { 1 } else { 2 });
        let task = tokio::spawn(async move {
            let (source, target) = (cx.pair.source.clone(), cx.pair.target.clone());
            let stream = Arrives::new(cx, authority);
            let pass =
                Pass { source: &source, target: &target, authority, stream: &stream, lanes, pace: &shared, clock };
            pass.run_into(pairing, &kept).await.map(drop)
        });
        Ok(Running { task, pace, tables, began, rows_total, seen: VecDeque::new() })
    }

    /// What it came to, once it has ended.
    pub(super) async fn ended(&mut self) -> Option<Result<()>> {
        if !self.task.is_finished() {
            return None;
        }
        let lost = |e: tokio::task::JoinError| Error::new(Kind::Contradiction, "comparing tables", e.to_string());
        Some((&mut self.task).await.map_err(lost).and_then(|result| result))
    }

    /// How far it is, at `now`.
    pub(super) fn progress(&mut self, now: Instant) -> PassProgress {
        // Both sides are counted, the estimate is of one. What an earlier process had read says nothing of the speed.
        let rows = self.pace.rows() / 2;
        let resumed = self.pace.resumed() / 2;
        self.seen.push_back((now, rows));
        while self.seen.len() > 2 && self.seen.front().is_some_and(|(at, _)| now.duration_since(*at) > WINDOW) {
            self.seen.pop_front();
        }
        let rows_per_s = self
            .seen
            .front()
            .map_or(0.0, |(at, before)| (rows - before) as f64 / now.duration_since(*at).as_secs_f64().max(0.001));
        let left = (self.rows_total - rows - resumed).max(0) as f64;
        PassProgress {
            began: self.began,
            tables: self.pace.tables(),
            tables_total: self.tables.len() as i64,
            rows: rows + resumed,
            rows_total: self.rows_total.max(rows + resumed),
            rows_per_s,
            seconds_left: (rows_per_s > 0.0).then(|| left / rows_per_s),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}
