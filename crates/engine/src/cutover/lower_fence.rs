//! The winner stops refusing writes, where an earlier switch had made it do so.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use switchyard_model::{Side, journal::Action};

use super::Direction;
use crate::{
    db::Bidding,
    error::{Error, Kind, Result},
    saga::{Cx, Observed, Step},
    store::Durability,
};

pub(super) struct LowerFence(pub(super) Direction);

impl LowerFence {
    /// Before the first switch the target was never fenced, so there is nothing to wait for inside the pause.
    fn was_fenced(&self, cx: &Cx) -> bool {
        cx.state.epoch > 1 || self.0.winner == Side::Source
    }

    /// Asleep since before a later switch, this must not let writes in behind its back.
    fn bidding(&self, cx: &Cx) -> Bidding {
        Bidding::Switch { epoch: cx.new_epoch() }
    }
}

#[async_trait]
impl Step for LowerFence {
    fn name(&self) -> &'static str {
        "lower_fence"
    }

    fn title(&self, cx: &Cx) -> String {
        format!("Let writes in at {}", cx.pair.db(self.0.winner).label)
    }

    fn deadline(&self, _: &Cx) -> Duration {
        Duration::from_secs(5)
    }

    async fn actions(&self, cx: &Cx) -> Result<Vec<Action>> {
        if !self.was_fenced(cx) {
            return Ok(Vec::new());
        }
        Ok(cx.pair.db(self.0.winner).fence.lower_actions(&cx.scope().await?.fence, self.bidding(cx)))
    }

    async fn observe(&self, cx: &Cx) -> Result<Observed> {
        let tables = cx.scope().await?.fence;
        // Half-lowered reads as a contradiction; lowering again is right then.
        Ok(match cx.pair.db(self.0.winner).fence.is_raised(&tables).await {
            Ok(false) => Observed::Done,
            Ok(true) => Observed::NotDone,
            Err(e) if e.kind == Kind::Contradiction => Observed::NotDone,
            Err(e) => return Err(e),
        })
    }

    async fn apply(&self, cx: &Cx) -> Result<Value> {
        if self.was_fenced(cx) {
            cx.pair.db(self.0.winner).fence.lower(&cx.scope().await?.fence, self.bidding(cx)).await?;
        }
        Ok(json!({}))
    }

    async fn undo(&self, cx: &Cx) -> Result<()> {
        Err(Error::new(Kind::Contradiction, self.title(cx), "it is after the point of no return and is not taken back"))
    }

    fn durability(&self) -> Durability {
        Durability::Process
    }

    fn is_inside_the_pause(&self) -> bool {
        true
    }
}
