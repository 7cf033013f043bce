//! Reading the journal.

use serde::{Deserialize, Serialize};
use switchyard_model::{UnixMs, journal::Recorded};
use ts_rs::TS;

/// Asks for entries.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct JournalRequest {
    /// The migration.
    pub migration: String,
    /// Only entries after this sequence number; 0 for all.
    pub after: i64,
    /// At most this many, the newest; 1–10 000.
    pub limit: u32,
}

/// Entries in order.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct JournalPage {
    /// The entries, oldest first.
    pub lines: Vec<JournalLine>,
    /// Sequence number of the newest entry that exists.
    pub newest: i64,
}

/// One entry with its sentence.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct JournalLine {
    /// One sentence for people.
    pub sentence: String,
    /// `info`, `good`, `warn` or `bad`.
    pub tone: Tone,
    /// When, again, so that a list needs nothing else.
    pub at: UnixMs,
    /// The entry as stored.
    pub recorded: Recorded,
}

/// How a line is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Tone {
    /// Neutral.
    Info,
    /// As it should be.
    Good,
    /// Worth a look.
    Warn,
    /// Wrong.
    Bad,
}

/// Whether the journal is the one that was written.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct JournalVerified {
    /// The migration.
    pub migration: String,
    /// Entries that were read.
    pub entries: i64,
    /// Those at the beginning that an earlier version wrote without a hash; the first hash behind them covers them.
    pub unhashed: i64,
    /// The newest entry whose chain is whole, `number:hash`; to be noted elsewhere.
    pub head: Option<String>,
    /// Whether nothing was changed.
    pub whole: bool,
    /// The first entry that is not what was written, one sentence.
    pub broken: Option<String>,
}
