//! Prove that the winner has everything: a beat written after the locks were gained has arrived there.
//!
//! Changes are applied in commit order, so what was acknowledged before the beat is there as well. A small lag, or a
//! confirmed position that looks current, proves nothing; nor does a commit that a crash of the winner would undo.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use switchyard_model::journal::Action;

use super::Direction;
use crate::{
    error::{Error, Kind, Result},
    saga::{Cx, Observed, Step},
    store::Durability,
};

pub(super) struct ProveCaughtUp(pub(super) Direction);

impl ProveCaughtUp {
    /// The worker that applies a stream commits without waiting for the disk: a winner that dies now would forget what it
    /// has just shown, and accept writes before it has come again. A commit that waits takes with it whatever was
    /// committed before; seen once more, for the winner may have died before that one.
    async fn is_on_the_disk(&self, cx: &Cx, beat: i64) -> Result<()> {
        let winner = cx.pair.db(self.0.winner);
        winner.heartbeat.beat(self.0.winner, cx.beats.next()).await?;
        if winner.heartbeat.seen(self.0.loser()).await?.is_some_and(|seen| seen >= beat) {
            return Ok(());
        }
        let why = format!("{} had shown that it has everything, and no longer does: it was restarted", winner.label);
        Err(Error::new(Kind::Contradiction, self.title(cx), why))
    }
}

#[async_trait]
impl Step for ProveCaughtUp {
    fn name(&self) -> &'static str {
        "prove_caught_up"
    }

    fn title(&self, cx: &Cx) -> String {
        format!("Prove that {} has everything", cx.pair.db(self.0.winner).label)
    }

    fn deadline(&self, cx: &Cx) -> Duration {
        Duration::from_millis(u64::from(cx.state.limits().hold_deadline_ms))
    }

    async fn actions(&self, cx: &Cx) -> Result<Vec<Action>> {
        let (loser, winner) = (cx.pair.db(self.0.loser()), cx.pair.db(self.0.winner));
        Ok(vec![
            Action::new(&loser.label, format!("beat of the stream from the {}", self.0.loser())),
            Action::new(&winner.label, "wait until this beat is seen"),
            Action::new(
                &winner.label,
                format!("beat of the stream from the {}: all that is seen is on the disk", self.0.winner),
            ),
        ])
    }

    async fn observe(&self, cx: &Cx) -> Result<Observed> {
        // The fence is committed only after this proof, and nothing was written on the loser since.
        let tables = cx.scope().await?.fence;
        let moved = cx.pair.db(self.0.loser()).fence.has_moved(&tables).await?;
        Ok(if moved { Observed::Done } else { Observed::NotDone })
    }

    async fn apply(&self, cx: &Cx) -> Result<Value> {
        // Clients wait: look each millisecond.
        let beat = cx.beat_arrives(self.0.loser(), Duration::from_millis(1)).await?;
        self.is_on_the_disk(cx, beat).await?;
        Ok(json!({ "beat": beat }))
    }

    async fn undo(&self, _: &Cx) -> Result<()> {
        Ok(())
    }

    fn durability(&self) -> Durability {
        Durability::Process
    }

    fn is_inside_the_pause(&self) -> bool {
        true
    }
}
