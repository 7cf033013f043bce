//! A live row flows in each direction.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use switchyard_model::{Side, journal::Action};

use crate::{
    error::Result,
    saga::{Cx, Observed, Step},
};

pub(super) struct ProveStreams;

#[async_trait]
impl Step for ProveStreams {
    fn name(&self) -> &'static str {
        "prove_streams"
    }

    fn title(&self, _: &Cx) -> String {
        "See a beat arrive in each direction".to_owned()
    }

    fn deadline(&self, _: &Cx) -> Duration {
        Duration::from_secs(120)
    }

    async fn actions(&self, cx: &Cx) -> Result<Vec<Action>> {
        Ok(vec![
            Action::new(&cx.pair.source.label, "beat, wait for it on the target"),
            Action::new(&cx.pair.target.label, "beat, wait for it on the source"),
        ])
    }

    async fn observe(&self, _: &Cx) -> Result<Observed> {
        Ok(Observed::NotDone)
    }

    async fn apply(&self, cx: &Cx) -> Result<Value> {
        let mut ms = Vec::new();
        for from in [Side::Source, Side::Target] {
            let began = cx.clock.instant();
            cx.beat_arrives(from, Duration::from_millis(20)).await?;
            ms.push(cx.ms_since(began));
        }
        Ok(json!({ "forward_ms": ms.first(), "reverse_ms": ms.get(1) }))
    }

    async fn undo(&self, _: &Cx) -> Result<()> {
        Ok(())
    }
}
