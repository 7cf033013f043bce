//! One section of the source's schema is restored on the target.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use switchyard_model::journal::Action;

use crate::{
    error::Result,
    facts::{ANALYSIS, Analysis},
    saga::{Cx, Observed, Step},
    tool::{Holding, Rows, Section},
};

pub(super) struct RestoreSchema(pub(super) Section);

#[async_trait]
impl Step for RestoreSchema {
    fn name(&self) -> &'static str {
        match self.0 {
            Section::Structure => "restore_structure",
            Section::Keys => "restore_keys",
            Section::Rest => "restore_rest",
        }
    }

    fn title(&self, cx: &Cx) -> String {
        format!("Make the {} on {}", self.0.word(), cx.pair.target.label)
    }

    fn deadline(&self, _: &Cx) -> Duration {
        match self.0 {
            Section::Structure | Section::Keys => Duration::from_secs(900),
            // Building the indexes of a terabyte takes its time.
            Section::Rest => Duration::from_secs(7 * 24 * 3600),
        }
    }

    async fn actions(&self, cx: &Cx) -> Result<Vec<Action>> {
        Ok(cx.schema_dump().await?.actions(self.0, &cx.pair.target_login))
    }

    async fn observe(&self, cx: &Cx) -> Result<Observed> {
        Ok(match cx.schema_dump().await?.observe(self.0, &cx.pair.target_login).await? {
            Holding::Everything => Observed::Done,
            Holding::Nothing | Holding::Part { .. } => Observed::NotDone,
        })
    }

    async fn apply(&self, cx: &Cx) -> Result<Value> {
        let dump = cx.schema_dump().await?;
        let say = |line| cx.progress.say(line);
        let restored = dump.restore(self.0, &cx.pair.target_login, self.deadline(cx), &say).await?;
        Ok(json!({ "restored": restored, "objects": dump.objects(self.0) }))
    }

    async fn undo(&self, cx: &Cx) -> Result<()> {
        // Keys go with their tables, and indexes that are there already cost the next attempt nothing.
        if self.0 != Section::Structure || !target_was_empty(cx).await? {
            return Ok(());
        }
        // Where nothing is there, no dump is needed to drop it, and the dump may be what failed.
        let now = cx.pair.target.catalog.inventory(cx.clock.now()).await?;
        if now.tables.is_empty() && now.sequences.is_empty() {
            return Ok(());
        }
        // It is made as a whole or not at all. A part of it was made by somebody else, since the analysis.
        match self.observe(cx).await? {
            Observed::Done => {
                cx.schema_dump().await?.drop_everything_created(&cx.pair.target_login, Rows::Refuse).await
            }
            Observed::NotDone => Ok(()),
        }
    }
}

/// Whether the analysis found no table on the target: only then is what is there now ours to drop.
async fn target_was_empty(cx: &Cx) -> Result<bool> {
    let analysis: Option<(i64, Analysis)> = cx.book.store().snapshot(cx.book.migration(), ANALYSIS).await?;
    Ok(analysis.is_some_and(|(_, a)| a.target.tables.is_empty() && a.target.sequences.is_empty()))
}
