//! Sequences on the winner go beyond the loser's. Logical replication does not carry them.

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

pub(super) struct AdvanceSequences(pub(super) Direction);

#[async_trait]
impl Step for AdvanceSequences {
    fn name(&self) -> &'static str {
        "advance_sequences"
    }

    fn title(&self, cx: &Cx) -> String {
        let margin = cx.state.limits().sequence_margin;
        format!(
            "Advance the sequences on {} beyond {}'s, plus {margin}",
            cx.pair.db(self.0.winner).label,
            cx.pair.db(self.0.loser()).label
        )
    }

    fn deadline(&self, _: &Cx) -> Duration {
        Duration::from_secs(3)
    }

    async fn actions(&self, cx: &Cx) -> Result<Vec<Action>> {
        let values = cx.pair.db(self.0.loser()).sequences.read().await?;
        Ok(cx.pair.db(self.0.winner).sequences.advance_actions(&values, cx.state.limits().sequence_margin))
    }

    async fn observe(&self, cx: &Cx) -> Result<Observed> {
        // Like the proof, this came before the commit of the fence; the loser hands out no values since.
        let tables = cx.scope().await?.fence;
        let moved = cx.pair.db(self.0.loser()).fence.has_moved(&tables).await?;
        Ok(if moved { Observed::Done } else { Observed::NotDone })
    }

    async fn apply(&self, cx: &Cx) -> Result<Value> {
        let values = cx.pair.db(self.0.loser()).sequences.read().await?;
        let moved = cx.pair.db(self.0.winner).sequences.advance(&values, cx.state.limits().sequence_margin).await?;
        Ok(json!({ "sequences": values.len(), "moved": moved }))
    }

    async fn undo(&self, _: &Cx) -> Result<()> {
        // A gap in a sequence is harmless, and going back could hand a value out twice.
        Ok(())
    }

    fn durability(&self) -> Durability {
        Durability::Process
    }

    fn is_inside_the_pause(&self) -> bool {
        true
    }
}
