//! What the reconcilers of the process that drives saw last: one document, rewritten each second, read by every host.

use serde::{Deserialize, Serialize};
use switchyard_model::{UnixMs, check::Check, gate::Facts, inventory::Inventory};

use crate::heartbeat::LagWindow;

/// The document.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// For the gates.
    pub facts: Facts,
    /// Lag of the stream that leaves the source.
    pub lag_forward: Option<LagWindow>,
    /// Lag of the stream that leaves the target.
    pub lag_reverse: Option<LagWindow>,
    /// Commit time of a beat on the authority.
    pub write_latency: Option<WriteLatency>,
    /// Slots of ours.
    pub slots: Vec<SlotFact>,
    /// The source's server.
    pub source: SideFact,
    /// The target's server.
    pub target: SideFact,
    /// The routers, one each.
    pub routers: Vec<RouterFact>,
    /// The initial copy.
    pub copy: Option<CopyFact>,
    /// Progress line of the step that runs.
    pub progress: Option<String>,
    /// Secrets that are not known; nothing can be measured before they are.
    pub passwords_needed: Vec<String>,
}

impl Snapshot {
    /// Why a side does not answer, one sentence; None when both do.
    pub fn problem(&self) -> Option<String> {
        self.source.problem.clone().or_else(|| self.target.problem.clone())
    }
}

/// Name of [`Snapshot`] in the store.
pub const SNAPSHOT: &str = "live";

/// Write latency on the authority.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct WriteLatency {
    /// Median before replication began, ms.
    pub before_ms: Option<f64>,
    /// Median now, ms.
    pub now_ms: f64,
    /// 99th percentile, ms.
    pub p99_ms: f64,
    /// Samples behind it.
    pub samples: u32,
    /// When the newest was taken.
    pub at: UnixMs,
}

/// One slot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SlotFact {
    /// Its name.
    pub name: String,
    /// The side it is on.
    pub on: switchyard_model::Side,
    /// Somebody reads from it.
    pub active: bool,
    /// Bytes not confirmed.
    pub lag_bytes: i64,
    /// Bytes kept.
    pub retained_bytes: i64,
    /// Seconds until the limit at the present pace.
    pub seconds_to_limit: Option<i64>,
    /// When it was read.
    pub at: UnixMs,
}

/// One server.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SideFact {
    /// `PostgreSQL 15.20`.
    pub version: Option<String>,
    /// When it last answered.
    pub answered_at: Option<UnixMs>,
    /// Why it does not.
    pub problem: Option<String>,
    /// Connections now.
    pub connections: i32,
    /// Connections it allows.
    pub max_connections: i32,
}

/// One router.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RouterFact {
    /// `PgBouncer · 380 clients`.
    pub text: String,
    /// Whether it is well.
    pub good: bool,
    /// When it answered.
    pub at: UnixMs,
}

/// The initial copy.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct CopyFact {
    /// One per table.
    pub tables: Vec<CopyTableFact>,
    /// Rows per second over the last seconds.
    pub rows_per_s: Option<f64>,
    /// Whether it is over.
    pub done: bool,
}

/// One table's copy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CopyTableFact {
    /// `schema.name`.
    pub table: String,
    /// Where it stands.
    pub state: CopyState,
    /// Rows copied.
    pub rows_done: i64,
    /// Estimated rows.
    pub rows_total: i64,
}

/// Where a table's copy stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CopyState {
    /// Not begun.
    Waiting,
    /// Rows are being copied.
    Copying,
    /// Copied; catching up.
    CatchingUp,
    /// Streams.
    Ready,
}

/// Name of the median commit time of a small write on the source before replication began, ms, in the store.
pub const BASELINE: &str = "write_latency_before";

/// The newest analysis: both readings and what the preflight made of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Analysis {
    /// The source.
    pub source: Inventory,
    /// The target.
    pub target: Inventory,
    /// Every check.
    pub checks: Vec<Check>,
}

/// Name of [`Analysis`] in the store.
pub const ANALYSIS: &str = "analysis";

impl Analysis {
    /// What the preflight gate needs of it.
    pub fn facts(&self) -> switchyard_model::gate::AnalysisFacts {
        use switchyard_model::verdict::Verdict;
        let mut facts = switchyard_model::gate::AnalysisFacts { at: self.source.at, ..Default::default() };
        for check in &self.checks {
            match &check.verdict {
                Verdict::Pass { .. } => {}
                Verdict::Fail { why, .. } => facts.failed.push(format!("{}: {why}.", check.title)),
                Verdict::Unknown { .. } => facts.unknown += 1,
            }
        }
        facts
    }
}
