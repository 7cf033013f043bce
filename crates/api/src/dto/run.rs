//! The ladder, the buttons, and runs with their steps.

use serde::{Deserialize, Serialize};
use switchyard_model::{
    Command, UnixMs,
    journal::{Outcome, Stopwatch},
    state::StepRecord,
};
use ts_rs::TS;

use super::PhaseState;

/// One rung.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct RungCard {
    /// `10 %`, `Writes`, `Receive-only`.
    pub label: String,
    /// `35:53 of 2 h`, `4 h`, `pause < 1 s`.
    pub detail: String,
    /// Where it stands.
    pub state: PhaseState,
}

/// A button that runs a command.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct NextCommand {
    /// What it runs.
    pub command: Command,
    /// Its label.
    pub label: String,
    /// `Next: 10 % → 25 % of reads`.
    pub title: String,
    /// Whether it can be pressed.
    pub open: bool,
    /// Why not, and when it opens.
    pub why_not: Option<String>,
    /// When it opens by itself.
    pub opens_at: Option<UnixMs>,
}

/// The rollback button.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct RollbackCard {
    /// Whether it can be pressed.
    pub open: bool,
    /// Why not.
    pub why_not: Option<String>,
    /// What the last rehearsal or rollback measured, or that there was none.
    pub note: String,
}

/// A run and its steps.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct RunCard {
    /// Its number.
    pub run: i64,
    /// What.
    pub command: Command,
    /// Its label.
    pub label: String,
    /// Who.
    pub by: String,
    /// Why.
    pub reason: String,
    /// When it began.
    pub started: UnixMs,
    /// Steps with the titles the preview uses.
    pub steps: Vec<RunStep>,
    /// Whether clients are held right now.
    pub holding: bool,
    /// Since when, by the journal; None while nobody is held.
    pub holding_since: Option<UnixMs>,
    /// Whether the point of no return is behind it.
    pub past_no_return: bool,
    /// How it ended.
    pub ended: Option<RunEnd>,
}

/// One step of a run.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct RunStep {
    /// What it does, for people.
    pub title: String,
    /// Where it stands.
    #[serde(flatten)]
    pub record: StepRecord,
    /// One line of progress while it runs.
    pub progress: Option<String>,
}

/// How a run ended.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct RunEnd {
    /// When.
    pub at: UnixMs,
    /// How.
    pub outcome: Outcome,
    /// One sentence.
    pub summary: String,
}

/// A write switch that happened.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct SwitchCard {
    /// When.
    pub at: UnixMs,
    /// The stopwatch.
    pub stopwatch: Stopwatch,
}
