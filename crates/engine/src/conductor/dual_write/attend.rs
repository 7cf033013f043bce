//! Attending: the breaker, a look at the source, the figures for the page, and the word to the watchdog.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use switchyard_model::dual_write::{AWAY_MS, Cause, DualWriteRecord, Percentiles};
use tokio_util::sync::CancellationToken;

use super::{
    Live, heard,
    probing::{Probing, per_transaction},
    turn_on::Standing,
};
use crate::{db::synchronous::Seen, facts::DualWriteFact, store::Changes};

/// How often the breaker is judged.
const TICK: Duration = Duration::from_millis(50);

/// How often the source is looked at.
const LOOK: Duration = Duration::from_millis(200);

/// How often the watchdog hears from us.
const WORD: Duration = Duration::from_secs(1);

/// Longest that one look may take.
const PATIENCE: Duration = Duration::from_secs(1);

/// Why it is over, and what it had cost.
pub(super) struct Over {
    pub(super) cause: Cause,
    pub(super) why: String,
    pub(super) during: Option<Percentiles>,
}

/// What attending remembers from look to look.
struct Attending {
    probing: Probing,
    changes: Changes,
    since: String,
    /// Since when the target is missing from the source's receivers.
    missing: Option<Instant>,
    active: Option<(f64, i64)>,
    workload_ms: Option<f64>,
    looked: Option<Instant>,
    worded: Option<Instant>,
}

/// Returns when it has to end.
pub(super) async fn attend(
    live: &Arc<Live>,
    open: &DualWriteRecord,
    standing: &mut Standing,
    since: &str,
    stop: &CancellationToken,
) -> Over {
    let clock = live.parts.clock.clone();
    let mut attending = Attending {
        probing: Probing::start(standing.source.clone(), clock, open.order.budget_ms()),
        changes: live.parts.store.changes(),
        since: since.to_owned(),
        missing: None,
        active: None,
        workload_ms: None,
        looked: None,
        worded: None,
    };
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            _ = tick.tick() => {}
        }
        let ended = tokio::select! {
            () = stop.cancelled() => break,
            ended = attending.step(live, open, standing) => ended,
        };
        if let Some((cause, why)) = ended {
            return Over { cause, why, during: attending.probing.figures(attending.workload_ms) };
        }
    }
    let why = "Whoever drove the migration ended in order, and nobody would have attended it.".to_owned();
    Over { cause: Cause::OrderlyEnd, why, during: attending.probing.figures(attending.workload_ms) }
}

impl Attending {
    async fn step(&mut self, live: &Live, open: &DualWriteRecord, standing: &mut Standing) -> Option<(Cause, String)> {
        if let Some(why) = self.probing.away() {
            return Some((Cause::TargetAway, why));
        }
        if let Some(why) = self.probing.over(open.order.budget_ms()) {
            return Some((Cause::Budget, why));
        }
        heard(live, &mut self.changes).await;
        let asked = live.book.look(|s| s.open_dual_write().and_then(|d| d.off_asked.clone())).await;
        if let Some((_, by)) = asked {
            return Some((Cause::Operator, format!("{by} turned it off.")));
        }
        let now = live.parts.clock.instant();
        let due = |last: Option<Instant>, every| last.is_none_or(|at| now.duration_since(at) >= every);
        if due(self.worded, WORD) {
            self.worded = Some(now);
            if standing.watchdog.still_here().await.is_err() {
                return Some((Cause::Abandoned, "Its watchdog is gone, and nobody would free the source.".to_owned()));
            }
        }
        if due(self.looked, LOOK) {
            self.looked = Some(now);
            return self.look(live, open, standing, now).await;
        }
        None
    }

    async fn look(
        &mut self,
        live: &Live,
        open: &DualWriteRecord,
        standing: &mut Standing,
        now: Instant,
    ) -> Option<(Cause, String)> {
        let seen = match tokio::time::timeout(PATIENCE, standing.line.watch(Some(&self.since))).await {
            Ok(Ok(seen)) => seen,
            // The source does not answer. Nothing can be changed there, and it may come back with its settings: it is asked again.
            Ok(Err(_)) | Err(_) => {
                let again = standing.source.synchronous.line(&open.order.scope, &standing.standby);
                if let Ok(Ok(line)) = tokio::time::timeout(PATIENCE, again).await {
                    standing.line = line;
                }
                return None;
            }
        };
        if !seen.is_ours {
            let why = "synchronous_standby_names was changed on the source by hand.".to_owned();
            return Some((Cause::Settings, why));
        }
        self.publish(live, open, &seen);
        if seen.is_streaming {
            self.missing = None;
            return None;
        }
        let missing = now.duration_since(*self.missing.get_or_insert(now));
        (missing >= Duration::from_millis(AWAY_MS))
            .then(|| (Cause::TargetAway, "The target has not received from the source for a second.".to_owned()))
    }

    fn publish(&mut self, live: &Live, open: &DualWriteRecord, seen: &Seen) {
        let from = *self.active.get_or_insert(seen.active.unwrap_or_default());
        self.workload_ms = per_transaction(Some(from).filter(|_| seen.active.is_some()), seen.active);
        live.snapshot().dual_write = Some(DualWriteFact {
            dual: open.id,
            at: live.parts.clock.now(),
            during: self.probing.figures(self.workload_ms),
            waiting: seen.waiting,
            others_waiting: seen.others_waiting,
            not_yet: seen.not_yet,
        });
    }
}
