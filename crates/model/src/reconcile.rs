//! Words of reconciliation: keys, findings and what was not compared. Pure; how they are found is the engine's business.

use serde::{Deserialize, Serialize};

use crate::{Side, UnixMs, ident::TableName};

/// A row's key: the text of each key column, in key order. Where a table has no key it is the row's hash alone, and rows
/// with equal hashes are one entry that is counted.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Key(pub Vec<String>);

/// What a finding says of its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// On the source and not on the target.
    MissingOnTarget,
    /// On the target and not on the source.
    OnlyOnTarget,
    /// On both, with other values; in a table without a key: not equally often on both.
    Different,
}

/// One column of a row that differs. Values are shortened for people; the comparison was of the whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnDifference {
    /// The column.
    pub column: String,
    /// Its value on the source as text; None is NULL.
    pub source: Option<String>,
    /// Its value on the target as text; None is NULL.
    pub target: Option<String>,
}

/// One row that stayed different after rechecks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The row: column and value of the key as text. Without a key: all compared columns.
    pub key: Vec<(String, String)>,
    /// What is wrong with it.
    pub kind: FindingKind,
    /// The columns that differ; empty where a row is missing.
    pub columns: Vec<ColumnDifference>,
    /// How many such rows the source holds; more than 1 only without a key.
    pub rows_source: i64,
    /// How many such rows the target holds.
    pub rows_target: i64,
    /// When it was last looked at.
    pub at: UnixMs,
}

/// A column or a table that was left out, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotCompared {
    /// The column; None for the whole table.
    pub column: Option<String>,
    /// Why, in a clause.
    pub reason: String,
    /// The side that lacks it, where that is why.
    #[serde(skip)]
    pub lacking: Option<Side>,
}

impl NotCompared {
    /// The whole table.
    pub fn table(reason: impl Into<String>) -> Self {
        NotCompared { column: None, reason: reason.into(), lacking: None }
    }
}

/// One table after a pass.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TableReport {
    /// The table, by the source's name.
    pub table: TableName,
    /// Rows read on the source.
    pub rows_source: i64,
    /// Rows read on the target.
    pub rows_target: i64,
    /// Rows that stayed different.
    pub findings: Vec<Finding>,
    /// Rows that changed on every look: unproven.
    pub hot: Vec<Vec<(String, String)>>,
    /// Rows that differed at first and were equal when looked at again.
    pub in_flight: i64,
    /// What was left out.
    pub not_compared: Vec<NotCompared>,
    /// Wall time, s.
    pub seconds: f64,
    /// When its comparison ended.
    pub at: UnixMs,
}

impl TableReport {
    /// Of a table that nothing has been read of yet.
    pub fn unread(table: TableName, not_compared: Vec<NotCompared>, at: UnixMs) -> Self {
        TableReport {
            table,
            rows_source: 0,
            rows_target: 0,
            findings: Vec::new(),
            hot: Vec::new(),
            in_flight: 0,
            not_compared,
            seconds: 0.0,
            at,
        }
    }

    /// What is proven about the table, where the rows of one side count.
    pub fn verdict(&self, authority: Side) -> TableVerdict {
        if self.not_compared.iter().any(|n| n.column.is_none()) {
            TableVerdict::NotCompared
        } else if !self.findings.is_empty() {
            TableVerdict::Different
        } else if !self.hot.is_empty() || self.lost(authority).is_some() {
            TableVerdict::Unproven
        } else {
            TableVerdict::Equal
        }
    }

    /// A column whose values the other side cannot hold. One that only the other side has takes nothing away.
    pub fn lost(&self, authority: Side) -> Option<&NotCompared> {
        self.not_compared.iter().find(|n| n.lacking == Some(authority.other()))
    }
}

/// What is proven about one table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TableVerdict {
    /// Every row is equal.
    Equal,
    /// Rows stayed different.
    Different,
    /// Rows kept changing, or the other side lacks a column.
    Unproven,
    /// It could not be looked at.
    NotCompared,
}
