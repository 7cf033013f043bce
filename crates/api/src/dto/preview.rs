//! What a command would do.

use serde::{Deserialize, Serialize};
use switchyard_model::{Command, gate::Judged, journal::Action, transactions::OpenTransaction};
use ts_rs::TS;

/// Asks what a command would do.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct PreviewRequest {
    /// The migration.
    pub migration: String,
    /// The command.
    pub command: Command,
}

/// What a command would do, from the steps that would run.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct Preview {
    /// The command.
    pub command: Command,
    /// `Roll back: writes and reads return to the source`.
    pub title: String,
    /// One or two sentences: where things stand and what it means.
    pub summary: String,
    /// The steps in order.
    pub steps: Vec<PreviewStep>,
    /// Gates that guard it, as they stand.
    pub gates: Vec<Judged>,
    /// Whether it can be run now.
    pub open: bool,
    /// Why not.
    pub why_not: Option<String>,
    /// Facts worth seeing beside it: blockers, connections that bypass the pooler, free connections.
    pub facts: Vec<PreviewFact>,
    /// Transactions that would delay the fence, the oldest first; empty where nothing is fenced.
    pub transactions: Vec<OpenTransaction>,
}

/// One step.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct PreviewStep {
    /// Stable name.
    pub name: String,
    /// What it does, for people.
    pub title: String,
    /// Its deadline, ms.
    pub deadline_ms: i64,
    /// How long it took the last time, ms.
    pub last_ms: Option<f64>,
    /// Whether this is the point of no return.
    pub point_of_no_return: bool,
    /// Exactly what it would run; empty for steps that only look.
    pub actions: Vec<Action>,
    /// Why the step could not say what it would run.
    pub problem: Option<String>,
}

/// One fact beside a preview.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct PreviewFact {
    /// `Nothing blocks the fence`.
    pub title: String,
    /// `longest transaction 40 ms`.
    pub detail: String,
    /// Whether it is as it should be; None when not known.
    pub good: Option<bool>,
}
