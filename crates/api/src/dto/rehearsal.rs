//! Replays and load in this process.

use serde::{Deserialize, Serialize};
use switchyard_model::UnixMs;
use ts_rs::TS;

use super::{ApiError, NotPlayed, ReadSpread};

/// When statements begin.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "speed", rename_all = "snake_case")]
pub enum ReplaySpeed {
    /// One after the other over all sessions, in the order of the log.
    OneByOne,
    /// As in the capture, so many times as fast.
    Times {
        /// Above 0, up to 10 000.
        times: f64,
    },
    /// Each session as fast as it can.
    Max,
}

/// Asks for a replay.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct ReplayStart {
    /// The migration on whose page it stands.
    pub migration: String,
    /// The capture.
    pub file: String,
    /// Endpoint of the scratch copy.
    pub at: String,
    /// Endpoint of a second one, to compare with.
    pub against: Option<String>,
    /// When statements begin.
    #[serde(flatten)]
    pub speed: ReplaySpeed,
    /// Whether the tables of both copies are compared before anything is played.
    pub first_look: bool,
}

/// What a replay does just now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ReplayPhase {
    /// Looks through the capture, and whether it may play on the copies.
    #[default]
    Reading,
    /// Compares the tables of both copies before.
    Before,
    /// Plays.
    Playing,
    /// Compares the tables of both copies when it is over.
    After,
}

/// A replay of this process.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct ReplayJob {
    /// What was asked for.
    pub asked: ReplayStart,
    /// When it began.
    pub begun: UnixMs,
    /// When it had ended.
    pub ended: Option<UnixMs>,
    /// Whether its end was asked for.
    pub ending: bool,
    /// What it does.
    pub phase: ReplayPhase,
    /// Statements that ended so far.
    pub played: u64,
    /// All there are; None until the capture was looked through.
    pub all: Option<u64>,
    /// Statements that failed so far, by copy.
    pub failed: Vec<u64>,
    /// How far the copy is behind the capture's clock, ms; None where there is no clock to keep.
    pub behind_ms: Option<f64>,
    /// What came of it.
    pub result: Option<ReplayResult>,
    /// Why it came to nothing.
    pub fault: Option<ApiError>,
}

/// The newest replay of a migration's page.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct ReplayJobView {
    /// None where there was none in this process.
    pub job: Option<ReplayJob>,
}

/// How a replay came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ReplayOutcome {
    /// Nothing differs.
    Equal,
    /// Something differs.
    Different,
    /// Not all of it could be looked at.
    Unknown,
}

/// What came of a replay. Has values of rows in it.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct ReplayResult {
    /// How it came out.
    pub outcome: ReplayOutcome,
    /// The same in a sentence.
    pub says: String,
    /// The copy.
    pub at: String,
    /// The second one.
    pub against: Option<String>,
    /// Statements that were played.
    pub played: u64,
    /// Sessions of the capture.
    pub sessions: u64,
    /// Answers of both copies that were compared.
    pub compared: u64,
    /// Of these, equal but for times of the copies' own clocks.
    pub clock: u64,
    /// Statements that failed, or did not, unlike when they were captured.
    pub unlike_captured: u64,
    /// Statements that differ, all of them.
    pub found: u64,
    /// The first of them, at most three of one shape.
    pub findings: Vec<ReplayFinding>,
    /// Statements by their shape: those that differ first, then those that were played most often.
    pub shapes: Vec<ReplayShape>,
    /// How many shapes there are.
    pub shapes_in_all: u64,
    /// How late statements began by the capture's clock.
    pub late: Option<ReadSpread>,
    /// How long it took, s.
    pub seconds: f64,
    /// Statements that were left out.
    pub left_out: Vec<NotPlayed>,
    /// What the source had answered, beside what the copy answers; None where the capture has no answers.
    pub answers: Option<ReplayAnswers>,
    /// Tables of both copies, when it was over.
    pub tables: Option<ReplayTables>,
    /// What is to be known.
    pub notes: Vec<String>,
}

/// A statement that went otherwise.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct ReplayFinding {
    /// Its place in the capture.
    pub n: u64,
    /// As it was captured.
    pub text: String,
    /// Its values.
    pub parameters: Vec<Option<String>>,
    /// What differs, a sentence.
    pub says: String,
    /// What the copy said.
    pub here: String,
    /// What the other side said: the second copy, or the source when it was captured.
    pub there: String,
    /// Whether `there` are rows that the source answered when it was captured.
    pub of_source: bool,
}

/// What the source had answered when it was captured, beside what a copy answers.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct ReplayAnswers {
    /// Answers that were asked for on the copy.
    pub asked: u64,
    /// The same ones, or the same but for times of both clocks and the last digits of floats.
    pub equal: u64,
    /// Other ones, of those that the statement leaves open.
    pub open: u64,
    /// Other ones, which nothing explains.
    pub different: u64,
    /// Other ones, or none, for a reason that says nothing of the copy.
    pub in_doubt: Vec<NotPlayed>,
    /// Those that were not asked for.
    pub not_asked: u64,
}

/// One shape of statements in a replay.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct ReplayShape {
    /// The shape's id.
    pub id: String,
    /// Its text, without values.
    pub text: String,
    /// Times it was played.
    pub calls: u64,
    /// Times it failed.
    pub failed: u64,
    /// Times its answers differed.
    pub differed: u64,
    /// As the source's log has it.
    pub captured: Option<ReadSpread>,
    /// On the copy.
    pub here: Option<ReadSpread>,
    /// On the second one.
    pub there: Option<ReadSpread>,
}

/// What the tables of both copies came to.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct ReplayTables {
    /// Tables that were compared.
    pub tables: u64,
    /// Rows of the first copy.
    pub rows: i64,
    /// Rows that differ.
    pub findings: u64,
    /// Rows that differ in times of the copies' own clocks alone.
    pub clock: u64,
    /// Tables that could not be compared.
    pub unproven: u64,
    /// Tables that differ, with how many rows each.
    pub different: Vec<NotPlayed>,
}
