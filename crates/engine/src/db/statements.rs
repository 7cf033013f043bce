//! What a server knows of the statements that it ran: how often and how long, by which plan, and what it logged of them.

use async_trait::async_trait;
use switchyard_model::{UnixMs, ident::TableName};
use switchyard_queries::{damage::Counted, index::Definition};

use crate::error::Result;

/// What was read of a server's statistics.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reading {
    /// The server's time.
    pub at: UnixMs,
    /// Since when it has counted; None where it does not say.
    pub since: Option<UnixMs>,
    /// Statements of this database, without those of the role as which Switchyard logs in where that was asked for.
    pub statements: Vec<Counted>,
    /// Why nothing could be read; None when it could.
    pub refused: Option<Refused>,
    /// Statements of other roles whose texts may not be seen.
    pub hidden: u32,
    /// Whether one that is not in it was never counted; else it may have been forgotten, or be beyond what is read.
    pub is_whole: bool,
    /// What cannot be seen, in sentences.
    pub notes: Vec<String>,
}

/// Why a source gives nothing, and what mends that; in sentences.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Why.
    pub why: String,
    /// What mends it.
    pub remedy: String,
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.why, self.remedy)
    }
}

/// How a plan was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Made {
    /// The statement was run in a read-only transaction that was rolled back.
    Run,
    /// It was planned with its values, and not run.
    Planned,
    /// It was planned for any values, and not run.
    Generic,
}

/// A plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Explained {
    /// As the server gives it, JSON.
    pub json: String,
    /// How it was made.
    pub made: Made,
    /// Why it was not run although that was asked for, a sentence.
    pub not_run: Option<String>,
}

/// What is to be explained.
#[derive(Debug, Clone, Copy)]
pub struct Explain<'a> {
    /// The statement; with `$1` where its values are not known.
    pub text: &'a str,
    /// Whose settings decide which tables its names mean; empty for nobody's.
    pub role: &'a str,
    /// Whether it may be run, where it is proven to read and nothing else.
    pub run: bool,
}

/// An index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    /// Its table.
    pub table: TableName,
    /// How it is defined.
    pub definition: Definition,
    /// Whether it is used: the making of one that is not was broken off.
    pub is_valid: bool,
    /// The constraint whose it is.
    pub constraint: Option<String>,
}

/// A file of a server's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerLog {
    /// Its path, as the server names it.
    pub file: String,
    /// Bytes that it has now.
    pub size: u64,
}

/// Statements, plans and indexes of one database. Reads, but for [`Statements::create_index`].
#[async_trait]
pub trait Statements: Send + Sync {
    /// The statistics of every statement; with `own` also of those of the role as which we log in.
    async fn reading(&self, own: bool) -> Result<Reading>;
    /// How the server would run a statement.
    async fn explain(&self, what: Explain<'_>) -> Result<Explained>;
    /// All indexes of a table; None when there is no such table.
    async fn indexes(&self, table: &TableName) -> Result<Option<Vec<Index>>>;
    /// Makes an index without keeping writers out. Nothing of it is left when that fails.
    async fn create_index(&self, table: &TableName, definition: &Definition) -> Result<()>;
    /// `log_line_prefix`.
    async fn log_prefix(&self) -> Result<String>;
    /// Why not every statement of a role is logged with its values, in sentences; none where it is.
    async fn not_logged(&self, role: Option<&str>) -> Result<Vec<String>>;
    /// Files of the server's log that were written to since then (Unix ms), where it can be read over SQL: in the form that says
    /// most, the oldest first.
    async fn logs(&self, since: Option<UnixMs>) -> Result<Vec<ServerLog>>;
    /// At most `most` bytes of one.
    async fn log_piece(&self, log: &ServerLog, from: u64, most: u64) -> Result<Vec<u8>>;
}
