//! The pair's own stream, as reconciliation waits for it.

use std::time::Duration;

use async_trait::async_trait;
use switchyard_model::Side;

use super::Cx;
use crate::{error::Result, reconcile::Stream};

/// How often the other side is asked for the beat.
const LOOK: Duration = Duration::from_millis(5);

/// How long a beat may take before whoever waits is told that the stream stands.
const STANDS: Duration = Duration::from_secs(120);

/// Changes have passed when a beat that was written after them has arrived.
pub struct Arrives {
    cx: Cx,
    authority: Side,
}

impl Arrives {
    /// Of the stream that leaves the side with the authority.
    pub fn new(cx: Cx, authority: Side) -> Arrives {
        Arrives { cx, authority }
    }
}

#[async_trait]
impl Stream for Arrives {
    async fn pass(&self) -> Result<()> {
        use crate::error::{Error, Kind};
        match tokio::time::timeout(STANDS, self.cx.beat_arrives(self.authority, LOOK)).await {
            Ok(arrived) => arrived.map(drop),
            Err(_) => {
                let doing = format!("waiting for the stream that leaves the {}", self.authority);
                Err(Error::new(Kind::Deadline, doing, format!("no beat arrived within {} s", STANDS.as_secs())))
            }
        }
    }
}
