//! Transactions in the way of the fence, and the end of one.

use serde::{Deserialize, Serialize};
use switchyard_model::{Side, UnixMs, transactions::OpenTransaction};
use ts_rs::TS;

/// What stands in the way now, read from the server.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct TransactionsView {
    /// The side that would be fenced.
    pub side: Side,
    /// Its endpoint.
    pub endpoint: String,
    /// When it was read.
    pub at: UnixMs,
    /// Older ones keep writes from moving, seconds.
    pub limit_s: u32,
    /// The oldest first.
    pub open: Vec<OpenTransaction>,
    /// Those beside them.
    pub more: u32,
}

/// Ends one by an explicit choice.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct EndTransaction {
    /// The migration.
    pub migration: String,
    /// Which, by the id with which it was shown.
    pub id: String,
    /// Who answers for it; None where that is whoever runs this program.
    pub name: Option<String>,
    /// Why.
    pub reason: String,
}

/// What came of it.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct EndedTransaction {
    /// One sentence.
    pub said: String,
}
