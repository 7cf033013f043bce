//! The point of no return: the journal says who has the authority. From here a crash is finished forward.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use switchyard_model::journal::{Action, Entry};

use super::Direction;
use crate::{
    error::{Error, Kind, Result},
    saga::{Cx, Observed, Step},
    store::Durability,
};

pub(super) struct PointOfNoReturn(pub(super) Direction);

#[async_trait]
impl Step for PointOfNoReturn {
    fn name(&self) -> &'static str {
        "point_of_no_return"
    }

    fn title(&self, cx: &Cx) -> String {
        format!("Journal: point of no return, epoch {} on the {}", cx.new_epoch(), self.0.winner)
    }

    fn deadline(&self, _: &Cx) -> Duration {
        Duration::from_secs(3)
    }

    async fn actions(&self, _: &Cx) -> Result<Vec<Action>> {
        Ok(Vec::new())
    }

    async fn observe(&self, cx: &Cx) -> Result<Observed> {
        let past = cx.book.state().await.open_run.is_some_and(|r| r.past_no_return);
        Ok(if past { Observed::Done } else { Observed::NotDone })
    }

    async fn apply(&self, cx: &Cx) -> Result<Value> {
        // Written twice it would be a journal that does not follow from itself.
        if self.observe(cx).await? == Observed::Done {
            return Ok(json!({ "epoch": cx.book.state().await.epoch }));
        }
        // The last look before the last moment at which looking helps.
        match cx.session.lock().await.raised.as_mut() {
            Some(raised) => match tokio::time::timeout(self.deadline(cx), raised.still_stands()).await {
                Ok(stands) => stands?,
                Err(_) => return Err(Error::new(Kind::Deadline, self.title(cx), "the fence's server did not answer")),
            },
            None => {
                return Err(Error::new(Kind::Contradiction, self.title(cx), "the fence's transaction is gone"));
            }
        }
        let epoch = cx.new_epoch();
        cx.book
            .append(vec![Entry::PointOfNoReturn { run: cx.run, epoch, authority: self.0.winner }], Durability::Disk)
            .await?;
        Ok(json!({ "epoch": epoch }))
    }

    async fn undo(&self, cx: &Cx) -> Result<()> {
        match self.observe(cx).await? {
            // It failed before the entry was written; there is nothing to take back.
            Observed::NotDone => Ok(()),
            Observed::Done => {
                let why = "the journal says that the authority has changed; that is not taken back";
                Err(Error::new(Kind::Contradiction, self.title(cx), why))
            }
        }
    }

    fn durability(&self) -> Durability {
        Durability::Process
    }

    fn is_inside_the_pause(&self) -> bool {
        true
    }

    fn is_point_of_no_return(&self) -> bool {
        true
    }
}
