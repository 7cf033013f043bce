//! Both publications of one stream.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use switchyard_model::{Side, journal::Action};

use crate::{
    error::Result,
    saga::{Cx, Observed, Step},
};

pub(super) struct Publish {
    pub(super) from: Side,
    pub(super) open: bool,
}

#[async_trait]
impl Step for Publish {
    fn name(&self) -> &'static str {
        match self.from {
            Side::Source => "publish_from_source",
            Side::Target => "publish_from_target",
        }
    }

    fn title(&self, cx: &Cx) -> String {
        let valve = if self.open { "open" } else { "closed" };
        format!("Publish beats and rows on {}, the rows' valve {valve}", cx.pair.db(self.from).label)
    }

    fn deadline(&self, _: &Cx) -> Duration {
        Duration::from_secs(60)
    }

    async fn actions(&self, cx: &Cx) -> Result<Vec<Action>> {
        let tables = match &cx.state.scope {
            Some(scope) => scope.publish.clone(),
            None => super::fix_scope::read(cx).await?.publish,
        };
        Ok(cx.pair.replicator.publish_actions(self.from, &tables, self.open))
    }

    async fn observe(&self, cx: &Cx) -> Result<Observed> {
        let there = cx.pair.replicator.is_published(self.from, &cx.scope().await?.publish).await?;
        Ok(if there { Observed::Done } else { Observed::NotDone })
    }

    async fn apply(&self, cx: &Cx) -> Result<Value> {
        let tables = cx.scope().await?.publish;
        cx.pair.replicator.publish(self.from, &tables, self.open).await?;
        Ok(json!({ "tables": tables.len() }))
    }

    async fn undo(&self, cx: &Cx) -> Result<()> {
        cx.pair.replicator.remove(self.from).await
    }
}
