//! Waiting for a stream that is not ours: two databases that somebody else keeps alike, or nobody.

use std::time::Duration;

use async_trait::async_trait;

use super::Stream;
use crate::{
    clock::SharedClock,
    db::Database,
    error::{Error, Kind, Result},
};

/// How long a stream may take to pass a position before it counts as stuck.
const STUCK: Duration = Duration::from_secs(120);

/// How often it is asked.
const LOOK: Duration = Duration::from_millis(20);

/// From the source to the target, as the target's subscriptions say; where there is none, a fixed time.
pub struct Settle {
    source: Database,
    target: Database,
    slots: Vec<String>,
    fixed: Duration,
    clock: SharedClock,
}

impl Settle {
    /// Finds the slots on the source that feed the target. `fixed` is how long a change may take on its way where no
    /// subscription is found.
    ///
    /// # Errors
    /// When a side does not answer.
    pub async fn between(source: &Database, target: &Database, fixed: Duration, clock: SharedClock) -> Result<Settle> {
        let mut slots = target.positions.subscribed().await?;
        if !slots.is_empty() && source.positions.behind(&slots, "0/0").await?.is_none() {
            // They feed from elsewhere.
            slots.clear();
        }
        Ok(Settle { source: source.clone(), target: target.clone(), slots, fixed, clock })
    }

    /// In a sentence: what is waited for.
    pub fn says(&self) -> String {
        match (self.slots.as_slice(), self.fixed.is_zero()) {
            ([], true) => {
                "No subscription leads from the source to the target: both are taken to be at rest.".to_owned()
            }
            ([], false) => format!(
                "No subscription leads from the source to the target: changes get {} s to arrive.",
                self.fixed.as_secs_f64()
            ),
            (slots, _) => format!("Changes arrive through {}.", slots.join(", ")),
        }
    }
}

#[async_trait]
impl Stream for Settle {
    async fn pass(&self) -> Result<()> {
        if self.slots.is_empty() {
            tokio::time::sleep(self.fixed).await;
            return Ok(());
        }
        let position = self.source.positions.now().await?;
        let began = self.clock.instant();
        loop {
            match self.source.positions.behind(&self.slots, &position).await? {
                Some(false) => return Ok(()),
                Some(true) => {}
                None => return Err(self.stuck("its slot is gone")),
            }
            if self.clock.instant().duration_since(began) > STUCK {
                return Err(self.stuck(&format!("it has not passed {position} within {} s", STUCK.as_secs())));
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}

impl Settle {
    fn stuck(&self, why: &str) -> Error {
        let doing = format!("waiting for the stream from {} to {}", self.source.label, self.target.label);
        Error::new(Kind::Deadline, doing, why)
    }
}
