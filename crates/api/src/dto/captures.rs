//! Captures of this machine.

use serde::{Deserialize, Serialize};
use switchyard_model::UnixMs;
use ts_rs::TS;

use super::ApiError;

/// Asks for the captures of this machine.
#[derive(Debug, Clone, Default, Serialize, Deserialize, TS)]
pub struct CapturesRequest {
    /// The migration whose source may be captured; None for the list alone.
    pub migration: Option<String>,
}

/// Names a capture by its file.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct CaptureFile {
    /// Its full path on the machine of this process.
    pub file: String,
}

/// Asks for a capture of a migration's source.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct CaptureStart {
    /// The migration.
    pub migration: String,
    /// Where it goes, a full path; None for the suggested one.
    pub file: Option<String>,
    /// For how long, s; None until it is stopped.
    pub seconds: Option<u32>,
    /// Whether reads are asked again on the source at once, so that its answers are in the capture.
    #[serde(default)]
    pub answers: bool,
}

/// How the file of a capture stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum CaptureStands {
    /// It is whole, and as it was when it was looked at.
    Whole,
    /// Somebody takes it just now.
    BeingTaken,
    /// Whoever took it ended before it was whole.
    BrokenOff,
    /// It was changed since it was looked at.
    Changed,
    /// It is not there any more.
    Gone,
    /// It cannot be looked at.
    Unreadable,
}

/// Statements that are left out, for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct NotPlayed {
    /// The reason, a sentence.
    pub why: String,
    /// How many.
    pub times: u64,
}

/// A capture that was made or opened on this machine. Nothing of what it holds is in here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct CaptureRow {
    /// Its full path.
    pub file: String,
    /// The last part of that.
    pub name: String,
    /// Where it was taken, for people.
    pub source: String,
    /// The endpoint it was taken of, where that is known.
    pub endpoint: Option<String>,
    /// The migration it was taken for, where that is known.
    pub migration: Option<String>,
    /// When it was listed.
    pub added: UnixMs,
    /// The first start of a statement.
    pub begun: Option<UnixMs>,
    /// The last end.
    pub ended: Option<UnixMs>,
    /// Answers of the source in it.
    pub answers: u64,
    /// Statements in it; None until it is whole.
    pub statements: Option<u64>,
    /// Sessions in it.
    pub sessions: u64,
    /// From the first start to the last end, s.
    pub seconds: f64,
    /// Its size.
    pub bytes: u64,
    /// Statements that a replay leaves out.
    pub left_out: Vec<NotPlayed>,
    /// What is to be known of it.
    pub notes: Vec<String>,
    /// How its file stands.
    pub stands: CaptureStands,
    /// The same in a sentence, where something is wrong.
    pub says: Option<String>,
}

/// A capture that this process takes, or took last.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct CaptureTaking {
    /// Where it goes.
    pub file: String,
    /// When it began.
    pub begun: UnixMs,
    /// When it ends by itself.
    pub until: Option<UnixMs>,
    /// Whether its end was asked for: it is put in order now.
    pub ending: bool,
    /// When it had ended.
    pub ended: Option<UnixMs>,
    /// Statements so far.
    pub statements: u64,
    /// Why it came to nothing.
    pub fault: Option<ApiError>,
}

/// The captures of this machine, and the one that this process takes of a migration's source.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct CapturesView {
    /// The endpoint that may be captured.
    pub source: Option<String>,
    /// Where a capture of it would go.
    pub suggested: Option<String>,
    /// The newest of this process.
    pub taking: Option<CaptureTaking>,
    /// All that are listed, the newest first.
    pub captures: Vec<CaptureRow>,
}
