//! Both catalogs are read and judged.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use switchyard_model::{journal::Action, preflight};

use crate::{
    error::Result,
    facts::{ANALYSIS, Analysis},
    saga::{Cx, Observed, Step},
};

pub(super) struct ReadCatalogs;

#[async_trait]
impl Step for ReadCatalogs {
    fn name(&self) -> &'static str {
        "read_catalogs"
    }

    fn title(&self, cx: &Cx) -> String {
        format!("Read the catalogs of {} and {}", cx.pair.source.label, cx.pair.target.label)
    }

    fn deadline(&self, _: &Cx) -> Duration {
        Duration::from_secs(120)
    }

    async fn actions(&self, cx: &Cx) -> Result<Vec<Action>> {
        Ok(vec![
            Action::new(&cx.pair.source.label, "SELECT … FROM pg_catalog (read only)"),
            Action::new(&cx.pair.target.label, "SELECT … FROM pg_catalog (read only)"),
        ])
    }

    async fn observe(&self, _: &Cx) -> Result<Observed> {
        Ok(Observed::NotDone)
    }

    async fn apply(&self, cx: &Cx) -> Result<Value> {
        let now = cx.clock.now();
        let (source, target) =
            tokio::try_join!(cx.pair.source.catalog.inventory(now), cx.pair.target.catalog.inventory(now))?;
        let mut checks = preflight::judge(&source, &target);
        if cx.state.milestones.replicating.is_some() {
            checks = preflight::while_replicating(checks);
        }
        let analysis = Analysis { source, target, checks };
        let facts = analysis.facts();
        cx.book.store().put_snapshot(cx.book.migration(), ANALYSIS, now, &analysis).await?;
        Ok(json!({
            "tables": analysis.source.tables.len(),
            "checks": analysis.checks.len(),
            "failed": facts.failed,
            "unknown": facts.unknown,
        }))
    }

    async fn undo(&self, _: &Cx) -> Result<()> {
        Ok(())
    }
}
