//! A file of findings.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What was written into a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Exported {
    /// Its full path.
    pub file: String,
    /// Rows that differ.
    pub findings: i64,
    /// Hot rows, which kept changing.
    pub hot: i64,
    /// Hot rows that are counted and were not kept by name, so that they are not in the file.
    pub hot_unnamed: i64,
    /// Size of the file.
    pub bytes: u64,
}
