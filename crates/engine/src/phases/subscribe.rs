//! Slot and subscription of one stream; the forward one copies the rows that exist.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use switchyard_model::{Side, journal::Action};

use crate::{
    error::Result,
    saga::{Cx, Observed, Step},
};

pub(super) struct Subscribe {
    pub(super) from: Side,
    pub(super) copy: bool,
}

#[async_trait]
impl Step for Subscribe {
    fn name(&self) -> &'static str {
        match self.from {
            Side::Source => "subscribe_to_source",
            Side::Target => "subscribe_to_target",
        }
    }

    fn title(&self, cx: &Cx) -> String {
        format!("Subscribe {} to {}", cx.pair.db(self.from.other()).label, cx.pair.db(self.from).label)
    }

    fn deadline(&self, _: &Cx) -> Duration {
        // Making a slot waits for the transactions that are open when it begins.
        Duration::from_secs(600)
    }

    async fn actions(&self, cx: &Cx) -> Result<Vec<Action>> {
        Ok(cx.pair.replicator.subscribe_actions(self.from, self.copy))
    }

    async fn observe(&self, cx: &Cx) -> Result<Observed> {
        Ok(if cx.pair.replicator.is_subscribed(self.from).await? { Observed::Done } else { Observed::NotDone })
    }

    async fn apply(&self, cx: &Cx) -> Result<Value> {
        cx.progress.say("a slot waits for the transactions that are open now");
        cx.pair.replicator.subscribe(self.from, self.copy).await?;
        Ok(json!({}))
    }

    async fn undo(&self, cx: &Cx) -> Result<()> {
        cx.pair.replicator.unsubscribe(self.from).await?;
        if self.copy {
            // The tables were empty before this run (the step before proved it), so what is in them came from this copy.
            if let Ok(scope) = cx.scope().await {
                cx.pair.target.tables.empty(&scope.publish).await?;
            }
        }
        Ok(())
    }
}
