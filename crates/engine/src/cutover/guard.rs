//! Guard: nothing is held before the way there and the way back were seen alive, and nothing would block the fence.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use switchyard_model::{Side, journal::Action};

use super::Direction;
use crate::{
    error::{Error, Kind, Result},
    saga::{Cx, Observed, Step},
};

/// A transaction older than this that holds locks on our tables would make the fence wait, ms.
const BLOCKER_AGE_MS: i64 = 500;

pub(super) struct Guard(pub(super) Direction);

impl Guard {
    fn refuse(&self, cx: &Cx, why: impl Into<String>) -> Error {
        Error::new(Kind::Refused, self.title(cx), why)
    }

    async fn check_fences(&self, cx: &Cx) -> Result<()> {
        let tables = cx.scope().await?.fence;
        for side in [Side::Source, Side::Target] {
            if !cx.pair.db(side).fence.is_installed(&tables).await? {
                let label = &cx.pair.db(side).label;
                return Err(self.refuse(
                    cx,
                    format!("the fence's triggers are not on every table of {label}; one that the migration carries was made anew"),
                ));
            }
        }
        if let Some(first) = cx.pair.db(self.0.loser()).fence.uncovered().await?.first() {
            let (table, label) = (first.plain(), &cx.pair.db(self.0.loser()).label);
            return Err(self.refuse(
                cx,
                format!(
                    "{table} on {label} was made since replication began, so what is written to it is not carried over: \
                     drop it or move it to another database, or clean up and begin anew"
                ),
            ));
        }
        if cx.pair.db(self.0.loser()).fence.is_raised(&tables).await? {
            return Err(self.refuse(cx, format!("{} refuses writes already", cx.pair.db(self.0.loser()).label)));
        }
        Ok(())
    }

    async fn check_streams(&self, cx: &Cx) -> Result<()> {
        for (from, should_be_open) in [(self.0.loser(), true), (self.0.winner, false)] {
            let s = cx.pair.replicator.status(from).await?;
            let label = &cx.pair.db(from).label;
            if s.rows_open != Some(should_be_open) {
                let word = if should_be_open { "closed" } else { "open" };
                return Err(self.refuse(cx, format!("the stream from {label} is {word}, against the journal")));
            }
            if !s.slot_active || !s.worker_running {
                return Err(self.refuse(cx, format!("the stream from {label} does not run")));
            }
        }
        Ok(())
    }

    /// Somebody has to let clients go on when this process dies while they are held.
    async fn launch_watchdog(&self, cx: &Cx) -> Result<()> {
        let Some(launcher) = &cx.launcher else { return Ok(()) };
        let mut session = cx.session.lock().await;
        // One that is dropped takes over at once, so there is never a second.
        if session.watchdog.is_some() {
            return Ok(());
        }
        session.watchdog = Some(launcher.launch_for(cx).await?);
        Ok(())
    }

    /// A live row each way, now. The beats of the reconciler would do, but these are not older than this step.
    async fn check_beats(&self, cx: &Cx) -> Result<(f64, f64)> {
        let limit = Duration::from_millis(u64::from(cx.state.limits().canary_max_age_ms));
        let there = tokio::time::timeout(limit, round(cx, self.0.loser())).await;
        let back = tokio::time::timeout(limit, round(cx, self.0.winner)).await;
        match (there, back) {
            (Ok(there), Ok(back)) => Ok((there?, back?)),
            (Err(_), _) => Err(self.refuse(cx, format!("no row from the {} arrived within {limit:?}", self.0.loser()))),
            (_, Err(_)) => Err(self.refuse(
                cx,
                format!("no row came back from the {} within {limit:?}: the way back is unproven", self.0.winner),
            )),
        }
    }
}

async fn round(cx: &Cx, from: Side) -> Result<f64> {
    let began = cx.clock.instant();
    cx.beat_arrives(from, Duration::from_millis(5)).await?;
    Ok(cx.ms_since(began))
}

#[async_trait]
impl Step for Guard {
    fn name(&self) -> &'static str {
        "guard"
    }

    fn title(&self, cx: &Cx) -> String {
        format!("Prove both ways alive between {} and {}", cx.pair.source.label, cx.pair.target.label)
    }

    fn deadline(&self, _: &Cx) -> Duration {
        Duration::from_secs(30)
    }

    async fn actions(&self, _: &Cx) -> Result<Vec<Action>> {
        Ok(Vec::new())
    }

    async fn observe(&self, _: &Cx) -> Result<Observed> {
        // Asked only when the run is finished after a crash: the point of no return is behind us, and so is this.
        Ok(Observed::Done)
    }

    async fn apply(&self, cx: &Cx) -> Result<Value> {
        self.check_fences(cx).await?;
        self.check_streams(cx).await?;
        let tables = cx.scope().await?.fence;
        let blockers = cx.pair.db(self.0.loser()).fence.blockers(&tables, BLOCKER_AGE_MS).await?;
        // One whose age cannot be seen (it is just ending, or our role may not look) is left to the fence's lock timeout.
        let blockers: Vec<_> = blockers.into_iter().filter(|b| b.age_ms >= BLOCKER_AGE_MS).collect();
        if let Some(b) = blockers.first() {
            let why = format!(
                "{} transaction(s) would block the fence; the longest is process {} of “{}” at {}, open for {:.1} s",
                blockers.len(),
                b.pid,
                b.application,
                b.address,
                b.age_ms as f64 / 1000.0
            );
            return Err(Error::new(Kind::LockTimeout, self.title(cx), why));
        }
        cx.pair.routers.demand_rights().await?;
        if cx.pair.routers.any_holding().await? {
            return Err(self.refuse(cx, "a router is holding clients already; RESUME it first"));
        }
        cx.book.store().reserve(cx.book.migration()).await?;
        let (there_ms, back_ms) = self.check_beats(cx).await?;
        self.launch_watchdog(cx).await?;
        // The fence's login happens now, while nobody waits for it.
        cx.pair.db(self.0.loser()).fence.arm().await?;
        Ok(json!({ "there_ms": there_ms, "back_ms": back_ms }))
    }

    async fn undo(&self, _: &Cx) -> Result<()> {
        Ok(())
    }
}
