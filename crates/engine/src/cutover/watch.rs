//! After the release: the route is read back, and a beat of the new authority reaches the other side.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use switchyard_model::journal::{Action, Entry};

use super::Direction;
use crate::{
    error::{Error, Kind, Result},
    saga::{Cx, Observed, Step},
};

pub(super) struct Watch(pub(super) Direction);

#[async_trait]
impl Step for Watch {
    fn name(&self) -> &'static str {
        "watch"
    }

    fn title(&self, cx: &Cx) -> String {
        format!("Read the route back and see a beat of {} arrive", cx.pair.db(self.0.winner).label)
    }

    fn deadline(&self, _: &Cx) -> Duration {
        Duration::from_secs(20)
    }

    async fn actions(&self, _: &Cx) -> Result<Vec<Action>> {
        Ok(Vec::new())
    }

    async fn observe(&self, _: &Cx) -> Result<Observed> {
        Ok(Observed::NotDone)
    }

    async fn apply(&self, cx: &Cx) -> Result<Value> {
        let route = cx.pair.routers.read_back(cx.clock.now()).await.route;
        let route = route.map_err(|why| Error::new(Kind::Router, self.title(cx), why))?;
        if route.writes != self.0.winner {
            return Err(Error::new(Kind::Contradiction, self.title(cx), format!("read back: {route}")));
        }
        cx.book.record(Entry::Routed { run: cx.run, route }).await?;
        let beat = cx.beat_arrives(self.0.winner, Duration::from_millis(20)).await?;
        Ok(json!({ "route": route.to_string(), "beat": beat }))
    }

    async fn undo(&self, cx: &Cx) -> Result<()> {
        Err(Error::new(Kind::Contradiction, self.title(cx), "it is after the point of no return and is not taken back"))
    }
}
