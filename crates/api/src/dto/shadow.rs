//! Shadow reads.

use serde::{Deserialize, Serialize};
use switchyard_model::UnixMs;
use switchyard_shadow::Report;
use ts_rs::TS;

/// Where the statements come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "traffic", rename_all = "snake_case")]
pub enum ShadowTraffic {
    /// The source's log over SQL, as it grows; where it collects none, its sessions.
    Server,
    /// Files of the source's log on this machine, plain or gzip, the oldest first.
    Files {
        /// Their paths.
        files: Vec<String>,
        /// `log_line_prefix` with which they were written; None for that of the server.
        prefix: Option<String>,
    },
    /// A capture, in the order of its file, to its end.
    Capture {
        /// Its path on this machine.
        file: String,
    },
    /// What the source's sessions run, looked at several times a second.
    Activity,
}

/// Asks for shadow reads.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct ShadowRequest {
    /// The migration.
    pub migration: String,
    /// Where the statements come from.
    #[serde(flatten)]
    pub traffic: ShadowTraffic,
    /// When it ends by itself, s; None for the end of the files or of the capture, and for never otherwise.
    pub seconds: Option<u32>,
    /// Percent of the reads that are run; the first of each statement always is.
    pub share: u8,
    /// Comparisons per second, at most.
    pub rate: u32,
}

/// What came of a run, without any text or value: this is what the store keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ShadowSummary {
    /// When it began.
    pub begun: UnixMs,
    /// When it ended.
    pub ended: UnixMs,
    /// Statements that were run on both sides and compared.
    pub compared: u64,
    /// Of these, how many could not be judged.
    pub unproven: u64,
    /// Statements that differ.
    pub findings: usize,
    /// Runs that were not compared, for whatever reason.
    pub skipped: u64,
    /// Reads of the traffic by their shape.
    pub statements: usize,
    /// Of these, compared at least once.
    pub covered: usize,
}

/// A run of shadow reads in this process.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct ShadowRunView {
    /// When it began.
    pub begun: UnixMs,
    /// When it ended; None while it runs.
    pub ended: Option<UnixMs>,
    /// What came of it so far. Has values of rows in it.
    pub report: Report,
    /// Where the statements come from, what cannot be seen, and what went wrong.
    pub notes: Vec<String>,
}

/// Shadow reads of a migration.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct ShadowView {
    /// The source's name.
    pub source: String,
    /// The target's name.
    pub target: String,
    /// The newest run of this process.
    pub run: Option<ShadowRunView>,
    /// The newest run that ended, whoever ran it.
    pub last: Option<ShadowSummary>,
}
