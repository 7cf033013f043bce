//! Load in this process.

use serde::{Deserialize, Serialize};
use switchyard_model::UnixMs;
use ts_rs::TS;

use super::{ApiError, NotPlayed, ReadSpread};

/// What is run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "of", rename_all = "snake_case")]
pub enum LoadOf {
    /// Transactions of a capture with their own values.
    Capture {
        /// Its path.
        file: String,
        /// So many times the capture's own rate, where no rate is given.
        times: f64,
    },
    /// A script of pgbench.
    Script {
        /// The script itself.
        text: String,
    },
}

/// How much of it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "how", rename_all = "snake_case")]
pub enum LoadHow {
    /// One rate.
    Hold {
        /// Transactions per second; None for the capture's own.
        per_second: Option<f64>,
    },
    /// From rate to rate until one is not served.
    Ramp {
        /// The first, transactions per second.
        from: f64,
        /// The last.
        to: f64,
        /// How many rates, 1–100.
        steps: u32,
    },
}

/// Asks for load.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct LoadStart {
    /// The migration on whose page it stands.
    pub migration: String,
    /// The endpoint.
    pub at: String,
    /// What is run.
    pub of: LoadOf,
    /// How much of it.
    pub how: LoadHow,
    /// How long the rate, or each rate, is held, s.
    pub seconds: u32,
    /// Transactions that may run at once, 1–1000; None for 10, or as many as in the capture.
    pub sessions: Option<u32>,
    /// It stops when P99 of a second is above this twice in a row, ms.
    pub max_p99_ms: Option<f64>,
    /// It stops when more than this fails twice in a row, percent.
    pub max_failed: f64,
}

/// Asks how load stands, with a picture of it.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct LoadLook {
    /// The migration.
    pub migration: String,
    /// Width in CSS pixels, 200–4000.
    pub width: u32,
    /// Height in CSS pixels, 100–2000.
    pub height: u32,
    /// Dark theme.
    pub dark: bool,
    /// Minutes that local time is ahead of UTC, for the labels of the time axis.
    pub utc_offset_minutes: i32,
}

/// One second of load.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, TS)]
pub struct LoadSecond {
    /// Its end.
    pub at: UnixMs,
    /// Transactions that should begin each second.
    pub asked: f64,
    /// Transactions that ended in it, failed ones with them.
    pub ended: u64,
    /// Failed ones.
    pub failed: u64,
    /// P99 of the latency in it, ms; None with fewer than 50 transactions.
    pub p99_ms: Option<f64>,
    /// Transactions that wait for a session.
    pub waiting: u64,
}

/// A load of this process.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct LoadJob {
    /// What was asked for.
    pub asked: LoadStart,
    /// When it began.
    pub begun: UnixMs,
    /// When it had ended.
    pub ended: Option<UnixMs>,
    /// Whether its end was asked for.
    pub ending: bool,
    /// The newest second.
    pub newest: Option<LoadSecond>,
    /// P99 of each second, drawn; None before the first.
    pub svg: Option<String>,
    /// What came of it.
    pub result: Option<LoadResult>,
    /// Why it came to nothing.
    pub fault: Option<ApiError>,
}

/// The newest load of a migration's page.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct LoadView {
    /// None where there was none in this process.
    pub job: Option<LoadJob>,
}

/// What came of load.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct LoadResult {
    /// Whether everything that was asked for was served.
    pub served: bool,
    /// The same in a sentence, with why it ended where it did.
    pub says: String,
    /// The database.
    pub at: String,
    /// Whether every write was refused, since it is a side of a migration.
    pub read_only: bool,
    /// One per rate.
    pub rates: Vec<LoadRate>,
    /// The highest rate that was served, transactions per second; of a ramp.
    pub knee_per_second: Option<f64>,
    /// Failures by class, over all rates.
    pub errors: Vec<LoadError>,
    /// What it was drawn from, a sentence; of a capture.
    pub drawn: Option<String>,
    /// Transactions of the capture that are left out.
    pub left_out: Vec<NotPlayed>,
}

/// One rate.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct LoadRate {
    /// Transactions that should begin each second.
    pub asked: f64,
    /// Those that ended each second.
    pub reached: f64,
    /// Transactions that ended well.
    pub transactions: u64,
    /// Those that failed.
    pub failed: u64,
    /// From the intended start to the end.
    pub latency: Option<ReadSpread>,
    /// From the intended start to the real one.
    pub late: Option<ReadSpread>,
    /// The same where a session was free: this program's own error.
    pub timing: Option<ReadSpread>,
    /// Transactions that never began.
    pub left_waiting: u64,
    /// Whether it is the last one that was served.
    pub is_knee: bool,
}

/// Failures of one class.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct LoadError {
    /// SQLSTATE, or `connection`.
    pub class: String,
    /// How many.
    pub times: u64,
    /// The newest in words.
    pub newest: String,
}
