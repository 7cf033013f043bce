//! The Drills page.

use serde::{Deserialize, Serialize};
use switchyard_model::{
    UnixMs,
    drill::{Act, DrillOrder, DrillPlan, DrillRecord, Failure},
};
use ts_rs::TS;

/// Asks for a drill.
#[derive(Clone, Serialize, Deserialize, TS)]
pub struct DrillRequest {
    /// The migration.
    pub migration: String,
    /// What goes wrong.
    pub failure: Failure,
    /// What moves before.
    pub act: Act,
    /// The canary's role; None for the one of the last drill.
    pub canary: Option<String>,
    /// Its password, where it is not known yet.
    pub password: Option<String>,
    /// How long the whole may take, ms; None for the failure's own.
    pub goal_ms: Option<u32>,
}

/// A drill that was asked for.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct DrillAccepted {
    /// Its number.
    pub drill: i64,
    /// What is rehearsed.
    pub order: DrillOrder,
}

/// Plans drills, or takes the plan back.
#[derive(Clone, Serialize, Deserialize, TS)]
pub struct ScheduleDrills {
    /// The drill; None takes the plan back, whose `migration` alone counts then.
    pub drill: DrillRequest,
    /// From the beginning of one to that of the next, seconds; None for no more.
    pub every_s: Option<u32>,
}

/// The canary of a migration.
#[derive(Clone, Serialize, Deserialize, TS)]
pub struct SetCanary {
    /// The migration.
    pub migration: String,
    /// A database role that the poolers let in.
    pub role: String,
    /// Its password, where it is not known yet.
    pub password: Option<String>,
}

/// One failure that can be rehearsed.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct DrillKind {
    /// The failure.
    pub failure: Failure,
    /// Its name on the command line.
    pub word: String,
    /// Its title.
    pub title: String,
    /// What is done, and to whom.
    pub what: String,
    /// How long the whole may take where nobody gives a goal, ms.
    pub goal_ms: u32,
    /// Whether a window can run it; the one that kills whoever drives needs an onlooker.
    pub from_window: bool,
    /// The newest drill of it that ended.
    pub last: Option<DrillRecord>,
}

/// What a drill can move.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct DrillAct {
    /// The act.
    pub act: Act,
    /// `Shift 10 % of reads, then roll back`.
    pub title: String,
    /// Why it cannot be rehearsed now.
    pub why_not: Option<String>,
}

/// The Drills page.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct DrillsView {
    /// Every failure, in the order of the screen.
    pub kinds: Vec<DrillKind>,
    /// What can be moved.
    pub acts: Vec<DrillAct>,
    /// Drills that ended, newest first.
    pub past: Vec<DrillRecord>,
    /// The one that is asked for or runs.
    pub open: Option<DrillRecord>,
    /// What it is at.
    pub progress: Option<String>,
    /// When drills run by themselves.
    pub plan: Option<DrillPlan>,
    /// When the next one of the plan is due.
    pub due: Option<UnixMs>,
    /// When one last passed.
    pub passed_at: Option<UnixMs>,
    /// How old that may be, seconds; 0 asks for none.
    pub max_age_s: u32,
    /// The canary's role, where one is known.
    pub canary: Option<String>,
}
