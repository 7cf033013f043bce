//! What a drill asks of a database: its ledger, who serves the canary, and failures that last no longer than the session that
//! put them on.

use std::collections::BTreeMap;

use async_trait::async_trait;

use crate::error::Result;

/// The `application_name` of the canary's sessions.
pub const CANARY: &str = "switchyard-canary";

/// A failure on this side that a session holds up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Whoever asks the canary's function loses the session.
    Down,
    /// The canary's function answers with an error.
    Errors,
    /// The canary's function takes a quarter of a second longer.
    Slow,
    /// The stream that arrives here cannot apply its next beat, and nothing after it.
    StreamStopped,
}

/// A fault that stands as long as its session: dropping it hangs up, and the server ends it then.
#[async_trait]
pub trait Standing: Send + Sync {
    /// Ends it in order; returns once it is gone.
    async fn end(self: Box<Self>) -> Result<()>;
}

/// See the module.
#[async_trait]
pub trait Drills: Send + Sync {
    /// What the canary's function answers here and nowhere else; changes when the server starts anew.
    ///
    /// # Errors
    /// `Unsuitable` when the migration was prepared without a ledger.
    async fn mark(&self) -> Result<String>;
    /// Lets a role use the ledger and the function; idempotent.
    ///
    /// # Errors
    /// `Unsuitable` when there is no such role here.
    async fn admit(&self, role: &str) -> Result<()>;
    /// Removes the rows of every drill but this one.
    async fn forget(&self, but: i64) -> Result<()>;
    /// How often each number of a drill's canary is in the ledger.
    async fn written(&self, drill: i64) -> Result<BTreeMap<i64, i64>>;
    /// Puts a fault on.
    async fn put_on(&self, fault: Fault) -> Result<Box<dyn Standing>>;
    /// Plants a row that no canary wrote.
    async fn plant(&self, drill: i64) -> Result<()>;
    /// Removes planted rows; idempotent.
    async fn unplant(&self) -> Result<()>;
}
