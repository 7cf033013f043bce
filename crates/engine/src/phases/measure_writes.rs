//! What a small write costs on the source before replication begins: the figure that later ones are compared with.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use switchyard_model::{Side, journal::Action, lag::percentile};

use crate::{
    error::Result,
    facts::BASELINE,
    saga::{Cx, Observed, Step},
};

/// Writes before the first one counts, and writes that count.
const WARM: usize = 10;
const COUNTED: usize = 60;

pub(super) struct MeasureWrites;

#[async_trait]
impl Step for MeasureWrites {
    fn name(&self) -> &'static str {
        "measure_writes"
    }

    fn title(&self, cx: &Cx) -> String {
        format!("Measure what a small write costs on {} before replication", cx.pair.source.label)
    }

    fn deadline(&self, _: &Cx) -> Duration {
        Duration::from_secs(60)
    }

    async fn actions(&self, cx: &Cx) -> Result<Vec<Action>> {
        Ok(vec![Action::new(&cx.pair.source.label, format!("{} beats, one after the other", WARM + COUNTED))])
    }

    async fn observe(&self, _: &Cx) -> Result<Observed> {
        Ok(Observed::NotDone)
    }

    async fn apply(&self, cx: &Cx) -> Result<Value> {
        let mut counted = Vec::with_capacity(COUNTED);
        for i in 0..WARM + COUNTED {
            let began = cx.clock.instant();
            cx.pair.source.heartbeat.beat(Side::Source, cx.beats.next()).await?;
            if i >= WARM {
                counted.push(cx.ms_since(began));
            }
            // An application's writes come with pauses in between, and so do the beats they are compared with.
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let median = percentile(&counted, 50.0);
        if let Some(ms) = median {
            cx.book.store().put_snapshot(cx.book.migration(), BASELINE, cx.clock.now(), &ms).await?;
        }
        Ok(json!({ "median_ms": median, "p99_ms": percentile(&counted, 99.0), "writes": COUNTED }))
    }

    async fn undo(&self, _: &Cx) -> Result<()> {
        Ok(())
    }
}
