//! What a synchronous dual write asks of the source: its settings, a line that takes them off again, and small writes that tell
//! what waiting costs.

use async_trait::async_trait;
use switchyard_model::dual_write::{Former, Scope};

use crate::error::Result;

/// The statements that turn it on in this database, for a person to read.
pub fn statements(scope: &Scope, database: &str, standby: &str) -> Vec<String> {
    super::postgres::synchronous::statements(scope, database, standby)
}

/// The source as a look at it found it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Seen {
    /// Whether it still waits for our stream and for nothing else.
    pub is_ours: bool,
    /// Whether the target receives and applies.
    pub is_streaming: bool,
    /// Sessions that wait for the target now.
    pub waiting: i64,
    /// Those of them that were not chosen: they set `synchronous_commit` themselves.
    pub others_waiting: i64,
    /// Sessions of whoever is chosen that are older than the switch, and still commit without waiting.
    pub not_yet: i64,
    /// Time that transactions of this database were active, ms, and how many there were; None where it is not counted.
    pub active: Option<(f64, i64)>,
}

/// See the module.
#[async_trait]
pub trait Synchronous: Send + Sync {
    /// Looks whether it can be turned on, and what is set now. Changes nothing.
    ///
    /// # Errors
    /// `Privilege` or `Unsuitable`, with a sentence that says what stands in the way.
    async fn look(&self, scope: &Scope, standby: &str) -> Result<Former>;
    /// Opens the line that turns it on and off. What it commits itself never waits for the target.
    async fn line(&self, scope: &Scope, standby: &str) -> Result<Box<dyn Line>>;
    /// Opens a session for small writes that wait for the target, or for our own disk alone.
    async fn prober(&self, waits: bool) -> Result<Box<dyn Prober>>;
}

/// The one session that changes the settings. Opened in advance: whoever waits must not wait for our login as well.
#[async_trait]
pub trait Line: Send {
    /// Makes everybody else's commits independent of the target; returns once that is in force.
    async fn spare_others(&mut self, former: &Former) -> Result<()>;
    /// Makes the stream one that can be waited for; returns once the source counts it as such. Nobody but the prober waits yet.
    async fn name_standby(&mut self) -> Result<()>;
    /// Makes whoever is chosen wait, in sessions that begin from now on. Returns the source's time.
    async fn choose(&mut self) -> Result<String>;
    /// Lets everybody go, then puts back what was set; idempotent. What somebody else has changed meanwhile is left as it is. Returns
    /// once nobody waits.
    async fn free(&mut self, former: &Former) -> Result<()>;
    /// Looks; `since` as [`Line::choose`] gave it.
    async fn watch(&mut self, since: Option<&str>) -> Result<Seen>;
}

/// A session of small writes to a row of ours that the stream carries.
#[async_trait]
pub trait Prober: Send {
    /// One write; returns once it is committed.
    async fn write(&mut self) -> Result<()>;
}
