//! Routers: what changes the route. One file per router.
//!
//! Knows nothing of databases, the journal or the store.

pub mod group;
pub mod haproxy;
mod holding;
pub mod pgbouncer;
mod reach;
pub mod severable;

use std::sync::OnceLock;

use async_trait::async_trait;
use switchyard_model::{
    Side,
    journal::Action,
    plan::live::Pool,
    sources::{Reading, SourceKind},
};
use tokio::time::Instant;

use crate::error::Result;

/// What a router says of itself. A part it has no say in is None.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RouterState {
    /// Product and version, for the health line.
    pub product: String,
    /// Percent of reads on the target.
    pub reads_on_target: Option<u8>,
    /// Side of writes.
    pub writes: Option<Side>,
    /// Whether clients are being queued.
    pub holding: Option<bool>,
    /// Client connections now.
    pub clients: Option<u32>,
    /// Something a person should see: a server down, retries.
    pub warning: Option<String>,
    /// What our login may not do there although it will have to, and what mends that.
    pub forbidden: Option<String>,
    /// Whether a sentry would let its clients go if this machine were gone; None where it holds nobody, or does not say.
    pub sentry: Option<bool>,
}

/// What a router counts of the connections that it makes to one side, since it was started.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Served {
    /// Connections it was to make.
    pub connections: u64,
    /// Those that were not accepted.
    pub failed: u64,
    /// Those that the server broke off or answered wrongly.
    pub cut_off: u64,
    /// Attempts that were made again.
    pub retries: u64,
    /// Its name for a server of this side that its check found down.
    pub down: Option<String>,
}

/// The same of both sides.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServedBySide {
    /// Source.
    pub source: Served,
    /// Target.
    pub target: Served,
}

/// What a router counts of its traffic, of one side where it tells them apart.
#[derive(Debug, Clone, PartialEq)]
pub struct Traffic {
    /// By what it counts.
    pub kind: SourceKind,
    /// The side; None where clients of both go through the same counter.
    pub side: Option<Side>,
    /// What it counted.
    pub reading: Reading,
}

/// What a router can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Capabilities {
    /// Queue writing clients and let them go again.
    pub hold: bool,
    /// Send a share of reads to each side.
    pub shift_reads: bool,
    /// Point writes at a side.
    pub point_writes: bool,
}

/// One router. Every method is idempotent; the `_actions` twin of each act gives exactly what the act sends.
#[async_trait]
pub trait Router: Send + Sync {
    /// For messages: `PgBouncer pgb-1:6432`.
    fn label(&self) -> &str;
    /// What it can do.
    fn capabilities(&self) -> Capabilities;
    /// Asks it.
    async fn observe(&self) -> Result<RouterState>;
    /// Commands of `hold`.
    fn hold_actions(&self) -> Vec<Action>;
    /// Queues writing clients; returns once no transaction of theirs is open on the server.
    async fn hold(&self) -> Result<()>;
    /// Commands of `release`.
    fn release_actions(&self) -> Vec<Action>;
    /// Lets clients go on.
    async fn release(&self) -> Result<()>;
    /// Commands of `shift_reads`.
    fn shift_reads_actions(&self, percent: u8) -> Vec<Action>;
    /// Sends this share of reads to the target.
    async fn shift_reads(&self, percent: u8) -> Result<()>;
    /// Commands of `point_writes`.
    fn point_writes_actions(&self, side: Side) -> Vec<Action>;
    /// Points writes at a side.
    async fn point_writes(&self, side: Side) -> Result<()>;
    /// Commands of `renew_readers`.
    fn renew_readers_actions(&self) -> Vec<Action>;
    /// Makes readers' server connections follow a shift at the end of their transaction.
    async fn renew_readers(&self) -> Result<()>;
    /// Commands of `renew_writers`.
    fn renew_writers_actions(&self) -> Vec<Action> {
        Vec::new()
    }
    /// Makes writers' server connections begin anew at the end of their transaction, so that they get a role's new settings. A
    /// router that keeps none has nothing to do.
    async fn renew_writers(&self) -> Result<()> {
        Ok(())
    }
    /// Its pools as they are now; None where it keeps none. Cheap: it is asked every second or two while somebody looks.
    async fn pools(&self) -> Result<Option<Vec<Pool>>> {
        Ok(None)
    }
    /// Its counters of all traffic, for showing them; asked now and then. None where it counts nothing of the kind.
    async fn traffic(&self) -> Result<Option<Vec<Traffic>>> {
        Ok(None)
    }
    /// By what it counts its traffic; None where it does not.
    fn counts_by(&self) -> Option<SourceKind> {
        None
    }
    /// Its counters of what failed, by side; None where it counts nothing of the kind. Cheap: it is asked every two seconds.
    async fn served(&self) -> Result<Option<ServedBySide>> {
        Ok(None)
    }
}

/// Seconds by a clock of this process, for the time between two readings.
fn seconds() -> f64 {
    static BEGUN: OnceLock<Instant> = OnceLock::new();
    BEGUN.get_or_init(Instant::now).elapsed().as_secs_f64()
}

/// Names for a sentence: `a, b, c`, or `none`.
fn list(names: &[&str]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

/// Warnings as one sentence; None without any.
fn joined(warnings: Vec<String>) -> Option<String> {
    if warnings.is_empty() { None } else { Some(warnings.join("; ")) }
}
