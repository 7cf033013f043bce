//! Prove that the winner has everything: a beat written after the locks were gained has arrived there.
//!
//! Changes are applied in commit order, so what was acknowledged before the beat is there as well. A small lag, or a
//! confirmed position that looks current, proves nothing.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use switchyard_model::journal::Action;

use super::Direction;
use crate::{
    error::Result,
    saga::{Cx, Observed, Step},
    store::Durability,
};

pub(super) struct ProveCaughtUp(pub(super) Direction);

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
