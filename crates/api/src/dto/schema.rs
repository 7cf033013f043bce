//! The Schema page's differences.

use serde::{Deserialize, Serialize};
use switchyard_model::{
    UnixMs,
    schema::{Difference, Unseen},
};
use ts_rs::TS;

/// How both schemas of a migration differ.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct SchemaView {
    /// In an order in which their SQL can be run.
    pub differences: Vec<Difference>,
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
