//! Which tables the migration carries is fixed and journaled.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use switchyard_model::{
    inventory::{Inventory, TableKind},
    journal::{Action, Entry, Scope},
};

use crate::{
    error::{Error, Kind, Result},
    facts::SHAPES,
    saga::{Cx, Observed, Step},
};

pub(super) struct FixScope;

/// The scope as the source's catalog gives it now.
pub(super) async fn read(cx: &Cx) -> Result<Scope> {
    Ok(scope_of(&cx.pair.source.catalog.inventory(cx.clock.now()).await?))
}

fn scope_of(inventory: &Inventory) -> Scope {
    Scope {
        publish: inventory.published_roots().filter(|t| !t.unlogged).map(|t| t.name.clone()).collect(),
        fence: inventory.tables.iter().filter(|t| t.kind != TableKind::Foreign).map(|t| t.name.clone()).collect(),
    }
}

#[async_trait]
impl Step for FixScope {
    fn name(&self) -> &'static str {
        "fix_scope"
    }

    fn title(&self, _: &Cx) -> String {
        "Fix which tables the migration carries".to_owned()
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
        let inventory = cx.pair.source.catalog.inventory(cx.clock.now()).await?;
        // Found here too, though the preflight looked: once such a table is published, the application's own updates of
        // it fail.
        let bare: Vec<String> =
            inventory.leaves().filter(|t| !t.unlogged && !t.can_publish_changes()).map(|t| t.name.plain()).collect();
        if let Some(first) = bare.first() {
            let why = format!(
                "{first}{} no replica identity any more, and the application's updates of it would fail: add a primary key \
                 or set REPLICA IDENTITY, and analyze again",
                if bare.len() > 1 { format!(" and {} more tables have", bare.len() - 1) } else { " has".to_owned() }
            );
            return Err(Error::new(Kind::Unsuitable, self.title(cx), why));
        }
        let scope = scope_of(&inventory);
        if scope.publish.is_empty() {
            return Err(Error::new(Kind::Unsuitable, self.title(cx), "the source has no table to carry"));
        }
        // As it is now: whoever alters a table from here on is told to do so on both sides.
        let shapes = cx.pair.shapes().await?;
        cx.book.store().put_snapshot(cx.book.migration(), SHAPES, cx.clock.now(), &shapes).await?;
        let (publish, fence) = (scope.publish.len(), scope.fence.len());
        cx.book.record(Entry::Scoped { run: cx.run, scope }).await?;
        Ok(json!({ "published": publish, "fenced": fence }))
    }

    async fn undo(&self, _: &Cx) -> Result<()> {
        Ok(())
    }
}
