//! Which tables the migration carries is fixed and journaled.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use switchyard_model::journal::{Action, Entry, Scope};

use crate::{
    error::{Error, Kind, Result},
    facts::SHAPES,
    saga::{Cx, Observed, Step},
};

pub(super) struct FixScope;

/// The scope as the source's catalog gives it now.
pub(super) async fn read(cx: &Cx) -> Result<Scope> {
    Ok(Scope::of(&cx.pair.source.catalog.inventory(cx.clock.now()).await?))
}

/// While writes are held every table that is carried has to be among those that refuse them.
fn see_all_held(cx: &Cx, step: &FixScope, fenced: &Scope, scope: &Scope) -> Result<()> {
    let Some(first) = scope.fence.iter().find(|t| !fenced.fence.contains(t)) else { return Ok(()) };
    let why = format!(
        "{} was made since writes are held, and accepts them: run “Release writes”, “Prepare the target” and “Hold writes” again",
        first.plain()
    );
    Err(Error::new(Kind::Unsuitable, step.title(cx), why))
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
        let scope = Scope::of(&inventory);
        if scope.publish.is_empty() {
            return Err(Error::new(Kind::Unsuitable, self.title(cx), "the source has no table to carry"));
        }
        if let Some(fenced) = cx.state.scope.as_ref().filter(|_| cx.state.held.is_some()) {
            see_all_held(cx, self, fenced, &scope)?;
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
