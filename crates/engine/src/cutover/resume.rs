//! Clients go on while writes are held: reads are answered, and whoever writes is refused with the fence's sentence.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use switchyard_model::journal::Action;

use crate::{
    error::Result,
    saga::{Cx, Observed, Step},
    store::Durability,
};

pub(super) struct Resume;

#[async_trait]
impl Step for Resume {
    fn name(&self) -> &'static str {
        "resume"
    }

    fn title(&self, _: &Cx) -> String {
        "Clients go on: reads are answered, writes are refused".to_owned()
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

    async fn undo(&self, _: &Cx) -> Result<()> {
        // Clients that go on are not made to wait again; what they are refused by is the fence, which has an undo of its own.
        Ok(())
    }

    fn durability(&self) -> Durability {
        Durability::Process
    }

    fn is_inside_the_pause(&self) -> bool {
        true
    }
}
