//! How large tables are.

use serde::{Deserialize, Serialize};

/// One table or materialised view.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RelationSize {
    /// Its path.
    pub name: Vec<String>,
    /// Heap, bytes.
    pub heap_bytes: i64,
    /// Indexes, bytes.
    pub index_bytes: i64,
    /// TOAST with its index, bytes.
    pub toast_bytes: i64,
    /// The planner's estimate of its rows; -1 when it was never analysed.
    pub estimated_rows: i64,
    /// Rows that are dead, as the statistics collector counts them.
    pub dead_rows: i64,
    /// Share of the heap that its rows, at the width the planner knows, do not fill; none where that is not known.
    pub bloat_hint: Option<f64>,
}
