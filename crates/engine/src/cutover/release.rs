//! Release: clients go on, now at the winner.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use switchyard_model::journal::Action;

use crate::{
    error::{Error, Kind, Result},
    saga::{Cx, Observed, Step},
    store::Durability,
};

pub(super) struct Release;

#[async_trait]
impl Step for Release {
    fn name(&self) -> &'static str {
        "release"
    }

    fn title(&self, _: &Cx) -> String {
        "Release: clients go on".to_owned()
    }

    fn deadline(&self, _: &Cx) -> Duration {
        Duration::from_secs(5)
    }

    async fn actions(&self, cx: &Cx) -> Result<Vec<Action>> {
        Ok(cx.pair.routers.release_actions())
    }

    async fn observe(&self, cx: &Cx) -> Result<Observed> {
        Ok(if cx.pair.routers.any_holding().await? { Observed::NotDone } else { Observed::Done })
    }

    async fn apply(&self, cx: &Cx) -> Result<Value> {
        cx.pair.routers.release_all().await?;
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
