//! Nothing of ours is left on either side.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use switchyard_model::{Side, journal::Action};

use crate::{
    error::{Error, Kind, Result},
    saga::{Cx, Observed, Step},
};

pub(super) struct ProveGone;

#[async_trait]
impl Step for ProveGone {
    fn name(&self) -> &'static str {
        "prove_gone"
    }

    fn title(&self, _: &Cx) -> String {
        "See that nothing of ours is left on either side".to_owned()
    }

    fn deadline(&self, _: &Cx) -> Duration {
        Duration::from_secs(60)
    }

    async fn actions(&self, _: &Cx) -> Result<Vec<Action>> {
        Ok(Vec::new())
    }

    async fn observe(&self, _: &Cx) -> Result<Observed> {
        Ok(Observed::NotDone)
    }

    async fn apply(&self, cx: &Cx) -> Result<Value> {
        let mut left = Vec::new();
        for side in [Side::Source, Side::Target] {
            left.extend(cx.pair.replicator.remove_actions(side).await?);
            left.extend(cx.pair.db(side).fence.remove_actions().await?);
        }
        match left.first() {
            None => Ok(json!({})),
            Some(first) => {
                let why = format!("{} objects are left, the first on {}: {}", left.len(), first.at, first.run);
                Err(Error::new(Kind::Contradiction, self.title(cx), why))
            }
        }
    }

    async fn undo(&self, cx: &Cx) -> Result<()> {
        Err(Error::new(
            Kind::Contradiction,
            self.title(cx),
            "what Cleanup dropped does not come back; run Cleanup again",
        ))
    }
}
