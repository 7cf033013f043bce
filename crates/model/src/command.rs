//! What an operator can ask of a migration. Each is a saga: journaled steps with an undo.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{ident::TableName, phase::Phase};

/// One command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    /// Reads both catalogs and runs the preflight.
    Analyze,
    /// Makes the target's schema and our own objects on both sides.
    Prepare,
    /// The source refuses writes by agreement, for the copy of the offline strategy.
    Hold,
    /// Lets writes at the source go on.
    Release,
    /// Starts replication, the initial copy, the remaining indexes, and the way back.
    Replicate,
    /// Counts and digests every table on both sides.
    Validate,
    /// Makes rows that differ equal to those of the side with the authority.
    Repair {
        /// Only this table's; None for all tables.
        #[serde(default)]
        table: Option<TableName>,
        /// Only these findings, by their numbers; empty for all.
        #[serde(default)]
        findings: Vec<i64>,
    },
    /// Sends this share of reads to the target; lower than before is a step back.
    ShiftReads {
        /// 0–100.
        percent: u8,
    },
    /// Moves writes to the target.
    SwitchWrites,
    /// Returns reads, and writes where they had moved, to the source.
    RollBack,
    /// Removes everything of ours from both sides.
    Cleanup {
        /// The migration's name, typed by the operator.
        typed_name: String,
    },
}

impl Command {
    /// Stable name in the journal and on the command line.
    pub fn word(&self) -> &'static str {
        match self {
            Command::Analyze => "analyze",
            Command::Prepare => "prepare",
            Command::Hold => "hold",
            Command::Release => "release",
            Command::Replicate => "replicate",
            Command::Validate => "validate",
            Command::Repair { .. } => "repair",
            Command::ShiftReads { .. } => "shift-reads",
            Command::SwitchWrites => "switch-writes",
            Command::RollBack => "roll-back",
            Command::Cleanup { .. } => "cleanup",
        }
    }

    /// Whether a release of held writes ends it: it takes long, and is taken back.
    pub fn ends_for_a_release(&self) -> bool {
        match self {
            Command::Replicate | Command::Validate => true,
            Command::Analyze
            | Command::Prepare
            | Command::Hold
            | Command::Release
            | Command::Repair { .. }
            | Command::ShiftReads { .. }
            | Command::SwitchWrites
            | Command::RollBack
            | Command::Cleanup { .. } => false,
        }
    }

    /// Whether it changes what a synchronous dual write lives on: the stream, the authority, or the target's schema. It is turned off
    /// before, by a person.
    pub fn needs_asynchronous_commits(&self) -> bool {
        match self {
            Command::Prepare | Command::Hold | Command::Replicate | Command::SwitchWrites | Command::Cleanup { .. } => {
                true
            }
            Command::Analyze
            | Command::Release
            | Command::Validate
            | Command::Repair { .. }
            | Command::ShiftReads { .. }
            | Command::RollBack => false,
        }
    }

    /// Whether clients may wait at the poolers while it runs.
    pub fn holds_clients(&self) -> bool {
        match self {
            Command::Hold | Command::SwitchWrites | Command::RollBack => true,
            Command::Analyze
            | Command::Prepare
            | Command::Release
            | Command::Replicate
            | Command::Validate
            | Command::Repair { .. }
            | Command::ShiftReads { .. }
            | Command::Cleanup { .. } => false,
        }
    }

    /// Whether a run of it that is found open is finished wherever it stands. What Cleanup dropped does not come back, so it goes on
    /// from where it was; and writers who were promised that they go on are not refused again.
    pub fn is_finished(&self, writes_are_held: bool) -> bool {
        match self {
            Command::Cleanup { .. } | Command::Release => true,
            Command::RollBack => writes_are_held,
            Command::Analyze
            | Command::Prepare
            | Command::Hold
            | Command::Replicate
            | Command::Validate
            | Command::Repair { .. }
            | Command::ShiftReads { .. }
            | Command::SwitchWrites => false,
        }
    }

    /// The phase whose work this is.
    pub fn phase(&self) -> Phase {
        match self {
            Command::Analyze => Phase::SchemaAnalysis,
            Command::Prepare => Phase::CompatibilityLayer,
            Command::Hold | Command::Release | Command::Replicate => Phase::DualWrite,
            Command::Validate | Command::Repair { .. } => Phase::Validation,
            Command::ShiftReads { .. } | Command::SwitchWrites | Command::RollBack => Phase::TrafficCutover,
            Command::Cleanup { .. } => Phase::Cleanup,
        }
    }

    /// The label of its button, a verb first.
    pub fn label(&self) -> String {
        match self {
            Command::Analyze => "Analyze both sides".to_owned(),
            Command::Prepare => "Prepare the target".to_owned(),
            Command::Hold => "Hold writes".to_owned(),
            Command::Release => "Release writes".to_owned(),
            Command::Replicate => "Start replication".to_owned(),
            Command::Validate => "Validate every table".to_owned(),
            Command::Repair { .. } => "Repair rows".to_owned(),
            Command::ShiftReads { percent } => format!("Shift to {percent} %"),
            Command::SwitchWrites => "Switch writes to the target".to_owned(),
            Command::RollBack => "Roll back".to_owned(),
            Command::Cleanup { .. } => "Clean up".to_owned(),
        }
    }
}
