//! The fence becomes permanent: the loser refuses writes from here, whoever lives or dies.

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

pub(super) struct CommitFence(pub(super) Direction);

#[async_trait]
impl Step for CommitFence {
    fn name(&self) -> &'static str {
        "commit_fence"
    }

    fn title(&self, cx: &Cx) -> String {
        format!("Make the fence on {} permanent", cx.pair.db(self.0.loser()).label)
    }

    fn deadline(&self, _: &Cx) -> Duration {
        Duration::from_secs(3)
    }

    async fn actions(&self, cx: &Cx) -> Result<Vec<Action>> {
        Ok(vec![Action::new(&cx.pair.db(self.0.loser()).label, "COMMIT")])
    }

    async fn observe(&self, cx: &Cx) -> Result<Observed> {
        let tables = cx.scope().await?.fence;
        let moved = cx.pair.db(self.0.loser()).fence.has_moved(&tables).await?;
        Ok(if moved { Observed::Done } else { Observed::NotDone })
    }

    async fn apply(&self, cx: &Cx) -> Result<Value> {
        let raised = cx.session.lock().await.raised.take();
        let Some(raised) = raised else {
            return match self.observe(cx).await? {
                Observed::Done => Ok(json!({ "found": "committed already" })),
                Observed::NotDone => {
                    Err(Error::new(Kind::Contradiction, self.title(cx), "the fence's transaction is gone"))
                }
            };
        };
        match raised.commit().await {
            Ok(()) => Ok(json!({})),
            // The answer may have been lost after the commit: ask the server before believing in a failure.
            Err(error) => match self.observe(cx).await {
                Ok(Observed::Done) => Ok(json!({ "answer": "lost, found done" })),
                Ok(Observed::NotDone) | Err(_) => Err(error),
            },
        }
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
