//! The panel of synchronous dual write.

use serde::{Deserialize, Serialize};
use switchyard_model::{
    UnixMs,
    dual_write::{Cause, DualWriteOrder, DualWriteRecord, Percentiles, Scope},
};
use ts_rs::TS;

/// Asks for it.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct DualWriteRequest {
    /// The migration.
    pub migration: String,
    /// Whose commits shall wait.
    pub scope: Scope,
    /// The budget for P99, µs; None for the usual one.
    pub budget_us: Option<u32>,
}

/// It was asked for.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct DualWriteAccepted {
    /// Its number.
    pub dual: i64,
    /// What was asked for.
    pub order: DualWriteOrder,
}

/// One that is asked for or stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct DualWriteCard {
    /// Its number.
    pub dual: i64,
    /// `role app`, `the database`.
    pub whose: String,
    /// Who asked.
    pub by: String,
    /// Since when commits wait; None while it is being turned on.
    pub since: Option<UnixMs>,
    /// The budget for P99, ms.
    pub budget_ms: f64,
    /// What small writes took before.
    pub before: Option<Percentiles>,
    /// What was last seen; None before the first look.
    pub now: Option<DualWriteNow>,
}

/// What whoever attends it saw last.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct DualWriteNow {
    /// When.
    pub at: UnixMs,
    /// For how long that counts, ms.
    pub counts_ms: i64,
    /// What small writes take.
    pub during: Option<Percentiles>,
    /// Sessions that waited just then.
    pub waiting: i64,
    /// Those of them that nobody chose: they set `synchronous_commit` themselves.
    pub others_waiting: i64,
    /// Sessions of whoever is chosen that are older than the switch, and do not wait yet.
    pub not_yet: i64,
}

/// How often the breaker opened for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct DualWriteOpening {
    /// Why.
    pub cause: Cause,
    /// The same for people.
    pub title: String,
    /// How often.
    pub count: u32,
}

/// Everything that the panel shows.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct DualWriteView {
    /// The one that is asked for or stands.
    pub open: Option<DualWriteCard>,
    /// The newest one that ended.
    pub last: Option<DualWriteRecord>,
    /// How often the breaker opened, by cause.
    pub openings: Vec<DualWriteOpening>,
    /// Why it cannot be turned on now; None where it can.
    pub why_not: Option<String>,
    /// The budget where nobody gives one, µs.
    pub budget_us: u32,
    /// The statements that turning it on runs; `{ROLE}` stands for the role's name, quoted.
    pub statements_role: Vec<String>,
    /// The same for the database.
    pub statements_database: Vec<String>,
    /// The one command that frees the source whatever became of this program.
    pub free_command: String,
}
