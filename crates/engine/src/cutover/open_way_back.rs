//! The winner's stream back to the loser opens, at this exact point of the winner's WAL: what came forward does not go
//! back, and the first write that a client makes here does.

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

pub(super) struct OpenWayBack(pub(super) Direction);

#[async_trait]
impl Step for OpenWayBack {
    fn name(&self) -> &'static str {
        "open_way_back"
    }

    fn title(&self, cx: &Cx) -> String {
        format!("Open the stream from {} back to {}", cx.pair.db(self.0.winner).label, cx.pair.db(self.0.loser()).label)
    }

    fn deadline(&self, _: &Cx) -> Duration {
        Duration::from_secs(5)
    }

    async fn actions(&self, cx: &Cx) -> Result<Vec<Action>> {
        Ok(cx.pair.replicator.way_back_actions(self.0.winner, cx.new_epoch()))
    }

    async fn observe(&self, cx: &Cx) -> Result<Observed> {
        let open = cx.pair.replicator.status(self.0.winner).await?.rows_open;
        Ok(if open == Some(true) { Observed::Done } else { Observed::NotDone })
    }

    async fn apply(&self, cx: &Cx) -> Result<Value> {
        cx.pair.replicator.open_way_back(self.0.winner, cx.new_epoch()).await?;
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
