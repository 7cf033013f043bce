//! Our schema with the beats, and the fence's triggers, switched off.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use switchyard_model::{Side, drill, ident::TableName, journal::Action};

use crate::{
    error::Result,
    saga::{Cx, Observed, Step},
};

pub(super) struct InstallFence(pub(super) Side);

/// Every table a fence has to cover: ordinary tables, partitioned roots and partitions of the source. The target has the
/// same ones once its schema is restored.
async fn tables(cx: &Cx) -> Result<Vec<TableName>> {
    let mut tables = super::fix_scope::read(cx).await?.fence;
    // Made by the same installation, so it may not be there yet.
    let ledger = TableName::new(drill::SCHEMA, drill::LEDGER);
    if !tables.contains(&ledger) {
        tables.push(ledger);
    }
    Ok(tables)
}

#[async_trait]
impl Step for InstallFence {
    fn name(&self) -> &'static str {
        match self.0 {
            Side::Source => "install_fence_on_source",
            Side::Target => "install_fence_on_target",
        }
    }

    fn title(&self, cx: &Cx) -> String {
        format!("Install beats and fence, switched off, on {}", cx.pair.db(self.0).label)
    }

    fn deadline(&self, _: &Cx) -> Duration {
        Duration::from_secs(300)
    }

    async fn actions(&self, cx: &Cx) -> Result<Vec<Action>> {
        Ok(cx.pair.db(self.0).fence.install_actions(&tables(cx).await?))
    }

    async fn observe(&self, cx: &Cx) -> Result<Observed> {
        let there = cx.pair.db(self.0).fence.is_installed(&tables(cx).await?).await?;
        Ok(if there { Observed::Done } else { Observed::NotDone })
    }

    async fn apply(&self, cx: &Cx) -> Result<Value> {
        let tables = tables(cx).await?;
        cx.pair.db(self.0).fence.install(&tables).await?;
        Ok(json!({ "tables": tables.len() }))
    }

    async fn undo(&self, cx: &Cx) -> Result<()> {
        cx.pair.db(self.0).fence.remove().await
    }
}
