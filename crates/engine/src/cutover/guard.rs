//! Guard: nothing is held before the way there and the way back were seen alive, and nothing would block the fence.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use switchyard_model::{Side, hold::Standing, journal::Action};

use super::{Direction, readiness};
use crate::{
    db::Bidding,
    error::{Kind, Result},
    saga::{Cx, Observed, Step},
};

pub(super) struct Guard(pub(super) Direction);

impl Guard {
    /// The loser refuses nobody yet, or refuses by agreement where the journal says so; then it must still do so.
    async fn check_fences(&self, cx: &Cx) -> Result<()> {
        let tables = cx.scope().await?.fence;
        readiness::fences_are_installed(cx, self, self.0.loser(), &tables).await?;
        let held = self.0.loser() == Side::Source && cx.state.held.is_some();
        let label = &cx.pair.db(self.0.loser()).label;
        match (cx.pair.db(self.0.loser()).fence.standing(&tables).await?, held) {
            (Standing::Down, false) | (Standing::Held, true) => Ok(()),
            (Standing::Down, true) => {
                let why = format!("{label} accepts writes, although they were held: release them and hold them again");
                Err(readiness::refuse(cx, self, why))
            }
            (Standing::Held, false) | (Standing::Moved, _) => {
                Err(readiness::refuse(cx, self, format!("{label} refuses writes already")))
            }
        }
    }

    /// Behind the point of no return the winner is told to open its stream and to let writes in; seen now that it would.
    async fn check_epoch(&self, cx: &Cx) -> Result<()> {
        let (winner, epoch) = (cx.pair.db(self.0.winner), cx.new_epoch());
        match winner.fence.heeds(Bidding::Switch { epoch }).await {
            Err(e) if e.kind == Kind::Contradiction => {
                let why = format!(
                    "the fence on {} was left by a switch of epoch {epoch} or later, which this migration has not come to: \
                     clean up the migration that left it, or drop schema switchyard there, and prepare anew",
                    winner.label
                );
                Err(readiness::refuse(cx, self, why))
            }
            other => other,
        }
    }

    async fn check_streams(&self, cx: &Cx) -> Result<()> {
        for (from, should_be_open) in [(self.0.loser(), true), (self.0.winner, false)] {
            let s = cx.pair.replicator.status(from).await?;
            let label = &cx.pair.db(from).label;
            if s.rows_open != Some(should_be_open) {
                let word = if should_be_open { "closed" } else { "open" };
                return Err(readiness::refuse(
                    cx,
                    self,
                    format!("the stream from {label} is {word}, against the journal"),
                ));
            }
            if !s.slot_active || !s.worker_running {
                return Err(readiness::refuse(cx, self, format!("the stream from {label} does not run")));
            }
        }
        Ok(())
    }

    /// A live row each way, now. The beats of the reconciler would do, but these are not older than this step.
    async fn check_beats(&self, cx: &Cx) -> Result<(f64, f64)> {
        let limit = Duration::from_millis(u64::from(cx.state.limits().canary_max_age_ms));
        let there = tokio::time::timeout(limit, round(cx, self.0.loser())).await;
        let back = tokio::time::timeout(limit, round(cx, self.0.winner)).await;
        match (there, back) {
            (Ok(there), Ok(back)) => Ok((there?, back?)),
            (Err(_), _) => {
                Err(readiness::refuse(cx, self, format!("no row from the {} arrived within {limit:?}", self.0.loser())))
            }
            (_, Err(_)) => Err(readiness::refuse(
                cx,
                self,
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
        self.check_epoch(cx).await?;
        self.check_streams(cx).await?;
        let tables = cx.scope().await?.fence;
        readiness::nobody_blocks(cx, self, self.0.loser(), &tables).await?;
        readiness::routers_can_hold(cx, self).await?;
        cx.book.store().reserve(cx.book.migration()).await?;
        let (there_ms, back_ms) = self.check_beats(cx).await?;
        readiness::launch_watchdog(cx).await?;
        // The fence's login happens now, while nobody waits for it.
        cx.pair.db(self.0.loser()).fence.arm().await?;
        Ok(json!({ "there_ms": there_ms, "back_ms": back_ms }))
    }

    async fn undo(&self, _: &Cx) -> Result<()> {
        Ok(())
    }
}
