//! The planner on the target knows the tables before the first read gets there.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use switchyard_model::journal::Action;

use crate::{
    error::Result,
    saga::{Cx, Observed, Step},
};

pub(super) struct AnalyzeTarget;

#[async_trait]
impl Step for AnalyzeTarget {
    fn name(&self) -> &'static str {
        "analyze_target"
    }

    fn title(&self, cx: &Cx) -> String {
        format!("Gather planner statistics on {}", cx.pair.target.label)
    }

    fn deadline(&self, _: &Cx) -> Duration {
        Duration::from_secs(12 * 3600)
    }

    async fn actions(&self, cx: &Cx) -> Result<Vec<Action>> {
        Ok(vec![Action::new(&cx.pair.target.label, "ANALYZE every table in scope")])
    }

    async fn observe(&self, _: &Cx) -> Result<Observed> {
        Ok(Observed::NotDone)
    }

    async fn apply(&self, cx: &Cx) -> Result<Value> {
        let tables = cx.scope().await?.publish;
        for (i, table) in tables.iter().enumerate() {
            cx.progress.say(format!("{} ({} of {})", table.plain(), i + 1, tables.len()));
            cx.pair.target.tables.analyze(table).await?;
        }
        Ok(json!({ "tables": tables.len() }))
    }

    async fn undo(&self, _: &Cx) -> Result<()> {
        Ok(())
    }
}
