//! The Schema page's differences.

use serde::{Deserialize, Serialize};
use switchyard_model::{
    UnixMs,
    schema::{Difference, Unseen, accepted::Accepted as AcceptedEntry},
};
use ts_rs::TS;

/// How both schemas of a migration differ.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct SchemaView {
    /// Those that nobody accepted, in an order in which their SQL can be run.
    pub differences: Vec<Difference>,
    /// Those that somebody did.
    pub accepted: Vec<AcceptedView>,
    /// Entries that were accepted and are about nothing any more.
    pub idle: Vec<AcceptedEntry>,
    /// What could not be looked at.
    pub unseen: Vec<Unseen>,
    /// Objects that are equal.
    pub equal: u32,
    /// The source's name and version.
    pub source: String,
    /// The target's name and version.
    pub target: String,
    /// When both were read.
    pub at: UnixMs,
    /// How long reading and comparing took, s.
    pub seconds: f64,
}

/// A difference that somebody accepted.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct AcceptedView {
    /// What differs.
    pub difference: Difference,
    /// Who accepted it, and why.
    pub entry: AcceptedEntry,
}

/// Accepts a difference.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct AcceptDifference {
    /// The migration.
    pub migration: String,
    /// Which, with the values that it was seen with, why it may stay, and who says so.
    pub entry: AcceptedEntry,
}

/// Takes an accepted difference back.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct TakeBackDifference {
    /// The migration.
    pub migration: String,
    /// Which; its reason need not be known.
    pub entry: AcceptedEntry,
}
