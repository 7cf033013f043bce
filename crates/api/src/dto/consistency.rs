//! The Consistency page.

use serde::{Deserialize, Serialize};
use switchyard_model::{
    Side, UnixMs,
    ident::TableName,
    reconcile::{Finding, Following, Pacing, Standing},
};
use ts_rs::TS;

/// Where every table stands, and what the comparison in the background does.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct Consistency {
    /// One row per table: those that differ first, then those that are not proven, then by name.
    pub tables: Vec<TableStanding>,
    /// The comparison in the background.
    pub following: Following,
    /// How it shall go.
    pub pacing: Pacing,
    /// The side whose rows count.
    pub authority: Side,
    /// After how long a verdict no longer opens the gate, s.
    pub max_age_s: u32,
}

/// One table.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct TableStanding {
    /// What is known of it.
    pub standing: Standing,
    /// As of when its verdict holds, changes that were verified since included; 0 before the first pass.
    pub holds_at: UnixMs,
    /// Whether it was asked to be compared again, or is about to be.
    pub waiting: bool,
}

/// Which findings to read.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct FindingsRequest {
    /// The migration.
    pub migration: String,
    /// The table.
    pub table: TableName,
    /// Only findings with numbers above this one; 0 for the first page.
    pub after: i64,
    /// At most so many, 1–1000.
    pub most: i64,
}

/// A page of findings.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct FindingsPage {
    /// In the order of their numbers.
    pub findings: Vec<NumberedFinding>,
    /// How many the table has in all.
    pub total: i64,
}

/// A finding with its number, by which a repair names it.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct NumberedFinding {
    /// Its number.
    pub id: i64,
    /// What was found.
    pub finding: Finding,
}

/// How the comparison in the background shall go.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct SetPacing {
    /// The migration.
    pub migration: String,
    /// From now on.
    pub pacing: Pacing,
}

/// Tables to compare now.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct CompareNow {
    /// The migration.
    pub migration: String,
    /// The tables; none for all of them.
    pub tables: Vec<TableName>,
}
