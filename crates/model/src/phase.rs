//! The six phases.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A phase of a migration, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Both catalogs read, everything that would break replication or the switch found.
    SchemaAnalysis,
    /// The target's schema made, the routers found and their route read back.
    CompatibilityLayer,
    /// Initial copy, then every change carried over; heartbeat; the way back prepared.
    DualWrite,
    /// Both sides counted and digested.
    Validation,
    /// Reads by percent, then writes, then receive-only.
    TrafficCutover,
    /// Everything of ours removed.
    Cleanup,
}

impl Phase {
    /// All phases in order.
    pub const ALL: [Phase; 6] = [
        Phase::SchemaAnalysis,
        Phase::CompatibilityLayer,
        Phase::DualWrite,
        Phase::Validation,
        Phase::TrafficCutover,
        Phase::Cleanup,
    ];

    /// The name on the screen.
    pub fn title(self) -> &'static str {
        match self {
            Phase::SchemaAnalysis => "Schema analysis",
            Phase::CompatibilityLayer => "Compatibility layer",
            Phase::DualWrite => "Dual write",
            Phase::Validation => "Validation",
            Phase::TrafficCutover => "Traffic cutover",
            Phase::Cleanup => "Cleanup",
        }
    }
}
