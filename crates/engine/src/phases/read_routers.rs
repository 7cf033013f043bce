//! The routers are found, and what they say is what the journal says.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use switchyard_model::journal::Action;

use crate::{
    error::{Error, Kind, Result},
    saga::{Cx, Observed, Step},
};

pub(super) struct ReadRouters;

#[async_trait]
impl Step for ReadRouters {
    fn name(&self) -> &'static str {
        "read_routers"
    }

    fn title(&self, _: &Cx) -> String {
        "Read the route back from every router".to_owned()
    }

    fn deadline(&self, _: &Cx) -> Duration {
        Duration::from_secs(20)
    }

    async fn actions(&self, cx: &Cx) -> Result<Vec<Action>> {
        Ok(cx.pair.routers.labels().map(|label| Action::new(label, "read its state")).collect())
    }

    async fn observe(&self, _: &Cx) -> Result<Observed> {
        Ok(Observed::NotDone)
    }

    async fn apply(&self, cx: &Cx) -> Result<Value> {
        let route = cx.pair.routers.read_back(cx.clock.now()).await.route;
        let route = route.map_err(|why| Error::new(Kind::Router, self.title(cx), why))?;
        if route != cx.state.route {
            let why = format!("the journal says {}, the routers say {route}", cx.state.route);
            return Err(Error::new(Kind::Router, self.title(cx), why));
        }
        cx.pair.routers.demand_rights().await?;
        Ok(json!({ "route": route.to_string() }))
    }

    async fn undo(&self, _: &Cx) -> Result<()> {
        Ok(())
    }
}
