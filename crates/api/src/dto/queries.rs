//! The Queries page.

use serde::{Deserialize, Serialize};
use switchyard_model::UnixMs;
use switchyard_queries::{
    damage::{Compared, Percentiles, Sort},
    errors::ErrorKind,
    plan::{Line, WholeScan},
    shape::Shape,
};
use ts_rs::TS;

/// Of which time statements are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "window", rename_all = "snake_case")]
pub enum QueryWindow {
    /// Since each server began to count.
    Start,
    /// Since a reading that was kept; the first time this keeps one.
    Kept,
    /// From now on for so long; keeps the reading at its begin.
    Watch {
        /// Seconds.
        seconds: u32,
    },
}

/// Which statements are asked for.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct QueriesRequest {
    /// The migration.
    pub migration: String,
    /// Of which time.
    #[serde(flatten)]
    pub window: QueryWindow,
    /// In which order.
    pub sort: Sort,
    /// At most so many.
    pub limit: u32,
    /// Also those of the role as which Switchyard logs in.
    pub own: bool,
    /// Logs that have the durations, for percentiles; None for none.
    #[serde(default)]
    pub logs: Option<QueryLogs>,
}

/// Logs of both sides.
#[derive(Debug, Clone, Default, Serialize, Deserialize, TS)]
pub struct QueryLogs {
    /// Files of the source's log on this machine, plain or gzip, the oldest first; empty for what the server lets read.
    pub source_files: Vec<String>,
    /// The same of the target's.
    pub target_files: Vec<String>,
    /// `log_line_prefix` with which the files were written; None for that of the server.
    pub prefix: Option<String>,
}

/// Percentiles of one statement, where they were measured.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, TS)]
pub struct StatementPercentiles {
    /// On the source.
    pub source: Option<Percentiles>,
    /// On the target.
    pub target: Option<Percentiles>,
}

/// A statement on both sides.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct StatementRow {
    /// What was counted.
    #[serde(flatten)]
    pub compared: Compared,
    /// Percentiles, where a log has all of its runs.
    pub percentiles: StatementPercentiles,
    /// What its plans say; of the worst alone, and only where they say something.
    pub why: Option<String>,
}

/// Statements of both sides.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct QueriesView {
    /// The source's name.
    pub source: String,
    /// The target's name.
    pub target: String,
    /// Begin of the time that is compared, by this machine's clock; None when each server has counted since its own.
    pub from: Option<UnixMs>,
    /// Its end.
    pub at: UnixMs,
    /// The first of them in the order that was asked for.
    pub statements: Vec<StatementRow>,
    /// How many there are in all.
    pub total: usize,
    /// How many of these are slower on the target.
    pub slower: usize,
    /// Why a side's statements are not known.
    pub refused: Vec<String>,
    /// What cannot be seen.
    pub notes: Vec<String>,
}

/// Errors that are asked for.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct QueryErrorsRequest {
    /// The migration.
    pub migration: String,
    /// Files of the target's log on this machine, plain or gzip, the oldest first; empty for what the server lets read.
    pub target_files: Vec<String>,
    /// The same of the source's.
    pub source_files: Vec<String>,
    /// `log_line_prefix` with which the files were written; None for that of the server.
    pub prefix: Option<String>,
    /// Entries before this are left out; None for the begin of the kept reading, else of the server's counting.
    pub since: Option<UnixMs>,
}

/// Errors that belong together.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct ErrorRow {
    /// On the target.
    #[serde(flatten)]
    pub kind: ErrorKind,
    /// How often the same statement failed with the same class on the source; None where its log was not read.
    pub on_source: Option<u64>,
}

/// Errors of the target.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct QueryErrorsView {
    /// The target's name.
    pub target: String,
    /// Entries before this are left out.
    pub since: Option<UnixMs>,
    /// In all.
    pub total: u64,
    /// Beyond the kinds that are kept apart.
    pub others: u64,
    /// Those that fail always first.
    pub kinds: Vec<ErrorRow>,
    /// Logs that were read.
    pub logs: Vec<String>,
    /// What could not be read or counted.
    pub notes: Vec<String>,
}

/// Whose plans are asked for.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct PlansRequest {
    /// The migration.
    pub migration: String,
    /// The statement's id.
    pub statement: String,
    /// The same statement with values, with which it can be run; None plans it for any values.
    pub text: Option<String>,
    /// Whether it may be run on both sides, where it is proven to read and nothing else.
    pub run: bool,
}

/// How one side's plan was made.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct SidePlan {
    /// The side's name.
    pub name: String,
    /// How it was made, a sentence.
    pub made: String,
    /// How long running took, ms.
    pub execution_ms: Option<f64>,
}

/// An index that the source has and the target lacks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct MissingIndex {
    /// Schema of its table.
    pub schema: String,
    /// Its table.
    pub table: String,
    /// Its name.
    pub name: String,
    /// What makes it on the target.
    pub run: String,
}

/// Plans side by side.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct PlansView {
    /// The statement.
    pub statement: Shape,
    /// The source's.
    pub source: SidePlan,
    /// The target's.
    pub target: SidePlan,
    /// Line by line.
    pub lines: Vec<Line>,
    /// Tables that only the target reads as a whole.
    pub whole_scans: Vec<WholeScan>,
    /// What is to be said of them.
    pub sentences: Vec<String>,
    /// Indexes that would mend it.
    pub missing: Vec<MissingIndex>,
}

/// Which index.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct IndexRequest {
    /// The migration.
    pub migration: String,
    /// The statement's id.
    pub statement: String,
    /// Whether they are made now.
    pub apply: bool,
}

/// Indexes that a statement lacks on the target.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct IndexView {
    /// The statement.
    pub statement: Shape,
    /// Where they are missing.
    pub target: String,
    /// What is missing.
    pub missing: Vec<MissingIndex>,
    /// Those that were made now.
    pub made: Vec<MissingIndex>,
    /// Why there is nothing to make, or what else is to be said.
    pub sentences: Vec<String>,
}
