//! Words of reconciliation: keys, findings and what was not compared. Pure; how they are found is the engine's business.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{Side, UnixMs, ident::TableName};

/// A row's key: the text of each key column, in key order. Where a table has no key it is the row's hash alone, and rows
/// with equal hashes are one entry that is counted.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Key(pub Vec<String>);

/// What a finding says of its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ColumnDifference {
    /// The column.
    pub column: String,
    /// Its value on the source as text; None is NULL.
    pub source: Option<String>,
    /// Its value on the target as text; None is NULL.
    pub target: Option<String>,
}

/// One row that stayed different after rechecks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
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
    /// What was seen, for a repair that must not touch anything else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(skip)]
    pub seen: Option<Seen>,
}

/// Hash of the row on each side, as a finding saw it; None where it was not there. Without a key both are the hash that
/// stands for the row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// On the source.
    pub source: Option<i64>,
    /// On the target.
    pub target: Option<i64>,
}

/// A column or a table that was left out, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct NotCompared {
    /// The column; None for the whole table.
    pub column: Option<String>,
    /// Why, in a clause.
    pub reason: String,
    /// The side that lacks it, where that is why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(skip)]
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
    /// How many rows stayed different.
    pub found: i64,
    /// Those rows, where they were few enough to be kept in memory; else whoever was told of them has them.
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
            found: 0,
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
        } else if self.found > 0 {
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
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

/// Hot rows of a standing that are named.
const NAMED_HOT: usize = 100;

/// Where one table stands after everything that has compared it: the last full pass, and the changes verified since.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Standing {
    /// The table, by the source's name.
    pub table: TableName,
    /// What is proven.
    pub verdict: TableVerdict,
    /// Rows on the source at the last full pass.
    pub rows_source: i64,
    /// Rows on the target at the last full pass.
    pub rows_target: i64,
    /// Rows on the source and on the target at the full pass before that one; None before the second.
    pub rows_before: Option<(i64, i64)>,
    /// Rows that stayed different.
    pub findings: i64,
    /// Rows that changed on every look.
    pub hot: i64,
    /// The first of them, by key.
    #[serde(default)]
    pub hot_rows: Vec<Vec<(String, String)>>,
    /// Rows of the last full pass that differed at first and were equal when looked at again.
    pub in_flight: i64,
    /// What was left out.
    pub not_compared: Vec<NotCompared>,
    /// When the last full pass over it began; 0 before the first.
    pub full_began: UnixMs,
    /// When the last full pass over it ended; 0 before the first.
    pub full_at: UnixMs,
    /// How long it took, s.
    pub seconds: f64,
    /// Changed rows that were verified since.
    pub changed: i64,
    /// As of when the verdict holds. A table whose changes are followed holds as long as they are.
    pub at: UnixMs,
    /// Whether changed rows of it can be verified by themselves; one without a key is compared as a whole.
    pub follows: bool,
}

impl Standing {
    /// After a full pass that began at `began`, with what stood before it.
    pub fn after(report: &TableReport, authority: Side, began: UnixMs, before: Option<&Standing>) -> Standing {
        let verdict = report.verdict(authority);
        // Sides that change are not counted at the same moment. Where they were proven equal all the same, rows were in
        // flight, and the count of one stands for both.
        let rows_target = if verdict == TableVerdict::Equal { report.rows_source } else { report.rows_target };
        Standing {
            table: report.table.clone(),
            verdict,
            rows_source: report.rows_source,
            rows_target,
            rows_before: before.filter(|b| b.full_at > 0).map(|b| (b.rows_source, b.rows_target)),
            findings: report.found,
            hot: report.hot.len() as i64,
            hot_rows: report.hot.iter().take(NAMED_HOT).cloned().collect(),
            in_flight: report.in_flight,
            not_compared: report.not_compared.clone(),
            full_began: began,
            full_at: report.at,
            seconds: report.seconds,
            changed: 0,
            at: began,
            follows: false,
        }
    }

    /// Rows that changed on every look of the last round, in place of those of before.
    pub fn note_hot(&mut self, rows: i64, named: &[Vec<(String, String)>]) {
        self.hot = rows;
        self.hot_rows = named.iter().take(NAMED_HOT).cloned().collect();
    }

    /// As of when the verdict holds: a followed table's as of the last round that verified every change.
    pub fn holds_at(&self, following: &Following) -> UnixMs {
        let covered = self.follows && following.since.is_some_and(|since| self.full_began >= since);
        match following.verified {
            Some(verified) if covered => self.at.max(verified),
            Some(_) | None => self.at,
        }
    }

    /// The verdict again after findings or hot rows came or went.
    pub fn judge(&mut self, authority: Side) {
        self.verdict = match self.verdict {
            TableVerdict::NotCompared => TableVerdict::NotCompared,
            TableVerdict::Equal | TableVerdict::Different | TableVerdict::Unproven => {
                if self.findings > 0 {
                    TableVerdict::Different
                } else if self.hot > 0 || self.not_compared.iter().any(|n| n.lacking == Some(authority.other())) {
                    TableVerdict::Unproven
                } else {
                    TableVerdict::Equal
                }
            }
        };
    }
}

/// How the comparison in the background shall go, as the operator wants it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(default)]
pub struct Pacing {
    /// Nothing is read while it is paused.
    pub paused: bool,
    /// Share of the time in which it reads, percent, 1–100.
    pub duty: u32,
    /// After how long without a full pass another begins, s; 0 for never by itself.
    pub full_every_s: u32,
}

impl Default for Pacing {
    fn default() -> Self {
        Pacing { paused: false, duty: 25, full_every_s: 24 * 3600 }
    }
}

/// What the comparison in the background does now.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, TS)]
pub struct Following {
    /// What it is at.
    pub activity: Activity,
    /// Since when changes are followed without a gap; None while they are not.
    pub since: Option<UnixMs>,
    /// Up to when every change was verified; None before the first round.
    pub verified: Option<UnixMs>,
    /// Changed rows verified since it follows.
    pub changed: i64,
    /// Changed rows that wait to be verified.
    pub waiting: i64,
    /// The full pass that runs.
    pub pass: Option<PassProgress>,
    /// Why changes cannot be followed, or why nothing is compared, one sentence; None while all is well.
    pub trouble: Option<String>,
    /// When this was written.
    pub at: UnixMs,
}

/// What the comparison in the background is at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Activity {
    /// Nothing to compare yet, or no longer.
    #[default]
    Off,
    /// Paused by the operator.
    Paused,
    /// Waits: a command runs, or the lag is over its limit.
    Waiting,
    /// A full pass runs.
    FullPass,
    /// Changed rows are verified as they come.
    Following,
}

/// How far a full pass is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, TS)]
pub struct PassProgress {
    /// When it began.
    pub began: UnixMs,
    /// Tables compared.
    pub tables: i64,
    /// Tables in all.
    pub tables_total: i64,
    /// Rows read on one side.
    pub rows: i64,
    /// Rows of one side in all, as the planner estimates them.
    pub rows_total: i64,
    /// Rows per second on one side, over the last seconds.
    pub rows_per_s: f64,
    /// Seconds left at this pace; None while it cannot be told.
    pub seconds_left: Option<f64>,
}
