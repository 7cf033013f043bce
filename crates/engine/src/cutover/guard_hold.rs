//! Before writes are held: the fence is there and down, nothing would block it, and somebody lets clients go if this
//! process dies while they wait.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use switchyard_model::{Side, hold::Standing, journal::Action};

use super::readiness;
use crate::{
    error::Result,
    saga::{Cx, Observed, Step},
};

pub(super) struct GuardHold;

#[async_trait]
impl Step for GuardHold {
    fn name(&self) -> &'static str {
        "guard_hold"
    }

    fn title(&self, cx: &Cx) -> String {
        format!("See that nothing would block the fence on {}", cx.pair.source.label)
    }

    fn deadline(&self, _: &Cx) -> Duration {
        Duration::from_secs(30)
    }

    async fn actions(&self, _: &Cx) -> Result<Vec<Action>> {
        Ok(Vec::new())
    }

    async fn observe(&self, _: &Cx) -> Result<Observed> {
        // It only looks, and its look counts for this run alone.
        Ok(Observed::NotDone)
    }

    async fn apply(&self, cx: &Cx) -> Result<Value> {
        let tables = cx.scope().await?.fence;
        readiness::fences_are_installed(cx, self, Side::Source, &tables).await?;
        match cx.pair.source.fence.standing(&tables).await? {
            Standing::Down => {}
            Standing::Held | Standing::Moved => {
                let why = format!(
                    "{} refuses writes already, against the journal: run “Release writes” first",
                    cx.pair.source.label
                );
                return Err(readiness::refuse(cx, self, why));
            }
        }
        readiness::nobody_blocks(cx, self, Side::Source, &tables).await?;
        readiness::routers_can_hold(cx, self).await?;
        cx.book.store().reserve(cx.book.migration()).await?;
        readiness::launch_watchdog(cx).await?;
        cx.pair.source.fence.arm().await?;
        Ok(json!({ "tables": tables.len() }))
    }

    async fn undo(&self, _: &Cx) -> Result<()> {
        Ok(())
    }
}
