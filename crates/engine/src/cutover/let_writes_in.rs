//! Writes that were held at the source go on.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use switchyard_model::{hold::Standing, journal::Action};

use crate::{
    db::Bidding,
    error::{Error, Kind, Result},
    saga::{Cx, Observed, Step, failpoint},
};

pub(super) struct LetWritesIn;

#[async_trait]
impl Step for LetWritesIn {
    fn name(&self) -> &'static str {
        "let_writes_in"
    }

    fn title(&self, cx: &Cx) -> String {
        format!("Let writes go on at {}", cx.pair.source.label)
    }

    fn deadline(&self, _: &Cx) -> Duration {
        Duration::from_secs(60)
    }

    async fn actions(&self, cx: &Cx) -> Result<Vec<Action>> {
        Ok(cx.pair.source.fence.lower_actions(&cx.scope().await?.fence, Bidding::Release))
    }

    async fn observe(&self, cx: &Cx) -> Result<Observed> {
        let tables = cx.scope().await?.fence;
        match cx.pair.source.fence.standing(&tables).await {
            Ok(Standing::Down) => Ok(Observed::Done),
            Ok(Standing::Held) => Ok(Observed::NotDone),
            // Only a switch says so, and none is behind this run.
            Ok(Standing::Moved) => {
                let why = "it refuses writes as if they had moved to the target";
                Err(Error::new(Kind::Contradiction, self.title(cx), why))
            }
            // Half lowered; lowering again is right.
            Err(e) if e.kind == Kind::Contradiction => Ok(Observed::NotDone),
            Err(e) => Err(e),
        }
    }

    async fn apply(&self, cx: &Cx) -> Result<Value> {
        if self.observe(cx).await? == Observed::Done {
            return Ok(json!({ "found": "writes go on already" }));
        }
        // Another that took over may hold writes anew.
        cx.book.is_ours().await?;
        failpoint::hit("within", self.name());
        match cx.pair.source.fence.lower(&cx.scope().await?.fence, Bidding::Release).await {
            Ok(()) => Ok(json!({})),
            // The answer may have been lost after the commit.
            Err(error) => match self.observe(cx).await {
                Ok(Observed::Done) => Ok(json!({ "answer": "lost, found done" })),
                Ok(Observed::NotDone) | Err(_) => Err(error),
            },
        }
    }

    async fn undo(&self, _: &Cx) -> Result<()> {
        // Writers that go on are not refused again.
        Ok(())
    }

    fn stays(&self) -> Option<&'static str> {
        Some("Writes are let in, or they are held as before: the hold's line tells.")
    }
}
