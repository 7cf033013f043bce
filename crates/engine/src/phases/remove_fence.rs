//! Triggers, functions and the switchyard schema leave one side.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use switchyard_model::{Side, journal::Action};

use crate::{
    error::{Error, Kind, Result},
    saga::{Cx, Observed, Step},
};

pub(super) struct RemoveFence(pub(super) Side);

#[async_trait]
impl Step for RemoveFence {
    fn name(&self) -> &'static str {
        match self.0 {
            Side::Source => "remove_fence_from_source",
            Side::Target => "remove_fence_from_target",
        }
    }

    fn title(&self, cx: &Cx) -> String {
        format!("Remove the fence and the switchyard schema from {}", cx.pair.db(self.0).label)
    }

    fn deadline(&self, _: &Cx) -> Duration {
        Duration::from_secs(300)
    }

    async fn actions(&self, cx: &Cx) -> Result<Vec<Action>> {
        cx.pair.db(self.0).fence.remove_actions().await
    }

    async fn observe(&self, cx: &Cx) -> Result<Observed> {
        let left = cx.pair.db(self.0).fence.remove_actions().await?;
        Ok(if left.is_empty() { Observed::Done } else { Observed::NotDone })
    }

    async fn apply(&self, cx: &Cx) -> Result<Value> {
        cx.pair.db(self.0).fence.remove().await?;
        Ok(json!({}))
    }

    async fn undo(&self, cx: &Cx) -> Result<()> {
        Err(Error::new(
            Kind::Contradiction,
            self.title(cx),
            "what Cleanup dropped does not come back; run Cleanup again",
        ))
    }
}
