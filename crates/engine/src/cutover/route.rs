//! Routers point writes at the winner. Reads go along on the way back, and on the way there where the strategy moves both at
//! once.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use switchyard_model::{Side, journal::Action};

use super::Direction;
use crate::{
    error::{Error, Kind, Result},
    saga::{Cx, Observed, Step, failpoint},
    store::Durability,
};

pub(super) struct Route(pub(super) Direction);

impl Route {
    /// Whether reads move in the switch: on the way back they always do.
    fn takes_reads(&self, cx: &Cx) -> bool {
        self.0.winner == Side::Source || !cx.state.spec.strategy.moves_reads_by_percent()
    }

    /// Reads after the switch: all on the winner.
    fn reads(&self) -> u8 {
        match self.0.winner {
            Side::Source => 0,
            Side::Target => 100,
        }
    }
}

#[async_trait]
impl Step for Route {
    fn name(&self) -> &'static str {
        "route"
    }

    fn title(&self, cx: &Cx) -> String {
        let what = if self.takes_reads(cx) { "writes and reads" } else { "writes" };
        format!("Route {what} to the {}", self.0.winner)
    }

    fn deadline(&self, _: &Cx) -> Duration {
        Duration::from_secs(5)
    }

    async fn actions(&self, cx: &Cx) -> Result<Vec<Action>> {
        let mut actions = cx.pair.routers.point_writes_actions(self.0.winner);
        if self.takes_reads(cx) {
            actions.extend(cx.pair.routers.shift_reads_actions(self.reads()));
        }
        Ok(actions)
    }

    async fn observe(&self, cx: &Cx) -> Result<Observed> {
        let route = cx.pair.routers.read_back(cx.clock.now()).await.route;
        let there = route.is_ok_and(|r| r.writes == self.0.winner && r.reads_on_target == self.reads());
        Ok(if there { Observed::Done } else { Observed::NotDone })
    }

    async fn apply(&self, cx: &Cx) -> Result<Value> {
        cx.pair.routers.point_writes(self.0.winner).await?;
        if self.takes_reads(cx) {
            failpoint::hit("within", self.name());
            cx.pair.routers.shift_reads(self.reads()).await?;
        }
        Ok(json!({}))
    }

    async fn undo(&self, cx: &Cx) -> Result<()> {
        Err(Error::new(Kind::Contradiction, self.title(cx), "it is after the point of no return and is not taken back"))
    }

    fn durability(&self) -> Durability {
        Durability::Process
    }

    fn is_inside_the_pause(&self) -> bool {
        true
    }
}
