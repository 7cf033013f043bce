//! The result of counting and digesting every table on both sides.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{UnixMs, ident::TableName};

/// One table's verdict.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct TableResult {
    /// The table.
    pub table: TableName,
    /// Rows on the source.
    pub rows_source: i64,
    /// Rows on the target.
    pub rows_target: i64,
    /// The outcome.
    pub outcome: TableOutcome,
    /// Wall time, ms.
    pub ms: i64,
    /// When the last comparison ended.
    pub at: UnixMs,
}

/// How a table compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum TableOutcome {
    /// Same count and same sum of row hashes, both sides read at the same point of the stream.
    Equal,
    /// Stayed different after rechecks.
    Different {
        /// One sentence: what differs.
        why: String,
    },
    /// Kept changing while it was compared, so nothing is proven.
    Hot {
        /// How often it was compared.
        attempts: u32,
    },
    /// Could not be compared.
    NotCompared {
        /// Why, and what to do.
        why: String,
    },
}

/// A whole pass.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Validation {
    /// Every table in scope.
    pub tables: Vec<TableResult>,
    /// When the pass ended.
    pub at: UnixMs,
    /// Wall time, ms.
    pub ms: i64,
}

impl Validation {
    /// Rows on the source, over all tables.
    pub fn rows(&self) -> i64 {
        self.tables.iter().map(|t| t.rows_source).sum()
    }

    /// Tables that stayed different.
    pub fn findings(&self) -> usize {
        self.tables.iter().filter(|t| matches!(t.outcome, TableOutcome::Different { .. })).count()
    }

    /// Tables of which nothing is proven.
    pub fn unproven(&self) -> usize {
        self.tables
            .iter()
            .filter(|t| matches!(t.outcome, TableOutcome::Hot { .. } | TableOutcome::NotCompared { .. }))
            .count()
    }
}
