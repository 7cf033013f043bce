//! Questions about holding, over all routers.

use super::group::Routers;
use crate::error::{Error, Kind, Result};

impl Routers {
    /// Labels of all routers.
    pub fn labels(&self) -> impl Iterator<Item = &str> {
        self.all.iter().map(|r| r.label())
    }

    /// Who holds, for a title: `PgBouncer a:6432 and PgBouncer b:6432`.
    pub fn holders(&self) -> String {
        let labels: Vec<&str> = self.all.iter().filter(|r| r.capabilities().hold).map(|r| r.label()).collect();
        if labels.is_empty() { "no router".to_owned() } else { labels.join(" and ") }
    }

    /// Demands that every router answers and lets us do what a migration will have to do there.
    ///
    /// # Errors
    /// The first that does not.
    pub async fn demand_rights(&self) -> Result<()> {
        for observed in self.observe_all().await {
            if let Some(why) = observed.state?.forbidden {
                return Err(Error::new(Kind::Router, format!("asking {} what we may do", observed.label), why));
            }
        }
        Ok(())
    }

    /// Whether any router holds clients.
    pub async fn any_holding(&self) -> Result<bool> {
        Ok(self.holding_states().await?.into_iter().any(|h| h))
    }

    /// Whether every router that can hold does.
    pub async fn all_holding(&self) -> Result<bool> {
        let states = self.holding_states().await?;
        Ok(!states.is_empty() && states.into_iter().all(|h| h))
    }

    async fn holding_states(&self) -> Result<Vec<bool>> {
        let mut states = Vec::new();
        for observed in self.observe_all().await {
            if !observed.can.hold {
                continue;
            }
            let holding = observed.state?.holding.ok_or_else(|| {
                Error::new(
                    Kind::Router,
                    format!("asking {}", observed.label),
                    "it does not say whether it holds clients",
                )
            })?;
            states.push(holding);
        }
        Ok(states)
    }
}
