//! One stream is taken down: subscription, slot, publications.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use switchyard_model::{Side, journal::Action};

use crate::{
    error::{Error, Kind, Result},
    saga::{Cx, Observed, Step},
};

pub(super) struct RemoveStream(pub(super) Side);

#[async_trait]
impl Step for RemoveStream {
    fn name(&self) -> &'static str {
        match self.0 {
            Side::Source => "remove_stream_from_source",
            Side::Target => "remove_stream_from_target",
        }
    }

    fn title(&self, cx: &Cx) -> String {
        format!("Take down the stream from {} to {}", cx.pair.db(self.0).label, cx.pair.db(self.0.other()).label)
    }

    fn deadline(&self, _: &Cx) -> Duration {
        Duration::from_secs(120)
    }

    async fn actions(&self, cx: &Cx) -> Result<Vec<Action>> {
        cx.pair.replicator.remove_actions(self.0).await
    }

    async fn observe(&self, cx: &Cx) -> Result<Observed> {
        let left = cx.pair.replicator.remove_actions(self.0).await?;
        Ok(if left.is_empty() { Observed::Done } else { Observed::NotDone })
    }

    async fn apply(&self, cx: &Cx) -> Result<Value> {
        cx.pair.replicator.remove(self.0).await?;
        Ok(json!({}))
    }

    async fn undo(&self, cx: &Cx) -> Result<()> {
        Err(Error::new(
            Kind::Contradiction,
            self.title(cx),
            "what Cleanup dropped does not come back; run Cleanup again",
        ))
    }

    fn is_point_of_no_return(&self) -> bool {
        // A stream that is gone has lost its place; only going on is safe.
        true
    }
}
