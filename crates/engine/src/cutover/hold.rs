//! Hold: every router queues writing clients.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use switchyard_model::journal::Action;

use crate::{
    error::Result,
    saga::{Cx, Observed, Step},
    store::Durability,
};

pub(super) struct Hold;

#[async_trait]
impl Step for Hold {
    fn name(&self) -> &'static str {
        "hold"
    }

    fn title(&self, cx: &Cx) -> String {
        format!("Hold writes at {}", cx.pair.routers.holders())
    }

    fn deadline(&self, cx: &Cx) -> Duration {
        Duration::from_millis(u64::from(cx.state.limits().hold_deadline_ms))
    }

    async fn actions(&self, cx: &Cx) -> Result<Vec<Action>> {
        Ok(cx.pair.routers.hold_actions())
    }

    async fn observe(&self, cx: &Cx) -> Result<Observed> {
        Ok(if cx.pair.routers.all_holding().await? { Observed::Done } else { Observed::NotDone })
    }

    async fn apply(&self, cx: &Cx) -> Result<Value> {
        // A little less than the whole deadline, so that the sentence names the router that did not hold.
        cx.pair.routers.hold_all_or_tell(self.deadline(cx) * 4 / 5).await?;
        Ok(json!({}))
    }

    async fn undo(&self, cx: &Cx) -> Result<()> {
        cx.pair.routers.release_all().await
    }

    fn durability(&self) -> Durability {
        // The start of the run is on the disk, and recovery releases whether or not this intent is.
        Durability::Process
    }

    fn is_inside_the_pause(&self) -> bool {
        true
    }

    fn only_spares_clients(&self) -> bool {
        true
    }
}
