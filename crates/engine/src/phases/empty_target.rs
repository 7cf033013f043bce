//! The target's tables are empty before rows are copied into them.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use switchyard_model::journal::Action;

use crate::{
    error::{Error, Kind, Result},
    saga::{Cx, Observed, Step},
};

pub(super) struct EmptyTarget;

#[async_trait]
impl Step for EmptyTarget {
    fn name(&self) -> &'static str {
        "empty_target"
    }

    fn title(&self, cx: &Cx) -> String {
        format!("Make sure that the tables on {} are empty", cx.pair.target.label)
    }

    fn deadline(&self, _: &Cx) -> Duration {
        Duration::from_secs(60)
    }

    async fn actions(&self, cx: &Cx) -> Result<Vec<Action>> {
        Ok(vec![Action::new(&cx.pair.target.label, "SELECT EXISTS (SELECT FROM …) for every table (read only)")])
    }

    async fn observe(&self, _: &Cx) -> Result<Observed> {
        Ok(Observed::NotDone)
    }

    async fn apply(&self, cx: &Cx) -> Result<Value> {
        let tables = cx.scope().await?.publish;
        let filled = cx.pair.target.tables.non_empty(&tables).await?;
        if filled.is_empty() {
            return Ok(json!({}));
        }
        let names: Vec<String> = filled.iter().take(5).map(|t| t.plain()).collect();
        let more = if filled.len() > 5 { format!(" and {} more", filled.len() - 5) } else { String::new() };
        let why = format!(
            "{}{more} hold rows on the target; copying into them would double or mix rows. Empty them by hand if they can go",
            names.join(", ")
        );
        Err(Error::new(Kind::Refused, self.title(cx), why))
    }

    async fn undo(&self, _: &Cx) -> Result<()> {
        Ok(())
    }
}
