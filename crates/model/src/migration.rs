//! What one migration is.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{limits::Limits, router::RouterConfig};

/// How the move is made; decides which steps the plan holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// Hold, copy, verify, switch: writes are refused from before the copy until the switch.
    Offline,
    /// Replicate, verify, switch reads and writes at once.
    BlueGreen,
    /// Shard by shard.
    Rolling,
    /// Replicate, then reads by percent, then writes.
    Live,
}

impl Strategy {
    /// Whether reads move before the writes, by percent; else both move in the switch.
    pub fn moves_reads_by_percent(self) -> bool {
        match self {
            Strategy::Live | Strategy::Rolling => true,
            Strategy::Offline | Strategy::BlueGreen => false,
        }
    }

    /// Whether the source refuses writes from before the copy until the switch.
    pub fn holds_writes(self) -> bool {
        match self {
            Strategy::Offline => true,
            Strategy::BlueGreen | Strategy::Rolling | Strategy::Live => false,
        }
    }

    /// Whether a migration can be run with it.
    pub fn runs(self) -> bool {
        match self {
            Strategy::Live | Strategy::BlueGreen | Strategy::Offline => true,
            Strategy::Rolling => false,
        }
    }
}

/// One move from a source to a target: what the operator decided. Everything that happened is in the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct MigrationSpec {
    /// Unique in the store; typed again before Cleanup drops anything.
    pub name: String,
    /// The strategy.
    pub strategy: Strategy,
    /// Name of the source's endpoint.
    pub source: String,
    /// Name of the target's endpoint.
    pub target: String,
    /// The routers in front of both.
    pub routers: Vec<RouterConfig>,
    /// Gates and deadlines.
    pub limits: Limits,
}

impl MigrationSpec {
    /// Name of the replication slot for one direction; cluster-wide, so it carries the migration's name.
    pub fn slot(&self, from: crate::Side) -> String {
        format!("switchyard_{}_from_{from}", crate::ident::slug(&self.name))
    }

    /// Every problem in the fields; empty when it can be created.
    pub fn problems(&self) -> Vec<String> {
        let mut out = self.limits.problems();
        if crate::ident::slug(&self.name).is_empty() {
            out.push("The migration's name needs at least one letter or digit.".to_owned());
        }
        if self.source == self.target {
            out.push(format!("Source and target are both “{}”: choose two endpoints.", self.source));
        }
        let has = |kind: fn(&RouterConfig) -> bool| self.routers.iter().any(kind);
        if !has(|r| matches!(r, RouterConfig::PgBouncer { .. })) {
            out.push(
                "No PgBouncer is named: it holds writers while the authority moves. Add its admin console.".to_owned(),
            );
        }
        if !has(|r| matches!(r, RouterConfig::HaProxy { .. })) {
            out.push("No HAProxy is named: it sends reads and writes to either side. Add its admin socket.".to_owned());
        }
        out.extend(self.routers.iter().flat_map(RouterConfig::problems));
        if !self.strategy.runs() {
            out.push("This strategy cannot be run so far: choose live, blue-green or offline.".to_owned());
        }
        out
    }
}
