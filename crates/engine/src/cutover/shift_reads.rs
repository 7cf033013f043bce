//! A share of reads goes to the target; the routers are asked afterwards whether it does.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use switchyard_model::journal::{Action, Entry};

use crate::{
    error::{Error, Kind, Result},
    saga::{Cx, Observed, Step},
};

pub(super) struct ShiftReads {
    pub(super) percent: u8,
}

#[async_trait]
impl Step for ShiftReads {
    fn name(&self) -> &'static str {
        "shift_reads"
    }

    fn title(&self, _: &Cx) -> String {
        format!("Send {} % of reads to the target", self.percent)
    }

    fn deadline(&self, _: &Cx) -> Duration {
        Duration::from_secs(15)
    }

    async fn actions(&self, cx: &Cx) -> Result<Vec<Action>> {
        Ok(cx.pair.routers.shift_reads_actions(self.percent))
    }

    async fn observe(&self, cx: &Cx) -> Result<Observed> {
        let route = cx.pair.routers.read_back(cx.clock.now()).await.route;
        let there = route.is_ok_and(|r| r.reads_on_target == self.percent);
        Ok(if there { Observed::Done } else { Observed::NotDone })
    }

    async fn apply(&self, cx: &Cx) -> Result<Value> {
        cx.pair.routers.shift_reads(self.percent).await?;
        let route = cx.pair.routers.read_back(cx.clock.now()).await.route;
        let route = route.map_err(|why| Error::new(Kind::Router, self.title(cx), why))?;
        if route.reads_on_target != self.percent {
            let why = format!("asked for {} %, read back {route}", self.percent);
            return Err(Error::new(Kind::Router, self.title(cx), why));
        }
        cx.book.record(Entry::Routed { run: cx.run, route }).await?;
        Ok(json!({ "route": route.to_string() }))
    }

    async fn undo(&self, cx: &Cx) -> Result<()> {
        let before = cx.state.route_before_run().reads_on_target;
        cx.pair.routers.shift_reads(before).await?;
        let now = cx.book.state().await.route;
        if now.reads_on_target != before {
            let route = switchyard_model::router::Route { reads_on_target: before, ..now };
            cx.book.record(Entry::Routed { run: cx.run, route }).await?;
        }
        Ok(())
    }
}
