//! The plan before the first step: which strategy fits, how long it takes, and whether the connections suffice. Pure.
//!
//! Everything follows from [`Measured`], what was measured on this pair, and from what the team says of itself. A figure that
//! was not measured is None, and whatever needs it says so; none is made up.

mod bars;
pub mod calendar;
pub mod live;
pub mod pools;
pub mod reached;
pub mod span;
pub mod strategy;
pub mod timeline;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What was measured on one pair.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, TS)]
#[ts(rename = "MeasuredFigures")]
pub struct Measured {
    /// Tables that hold rows.
    pub tables: i64,
    /// Rows, as the planner estimates them.
    pub rows: i64,
    /// Heaps with their TOAST, bytes: what is copied.
    pub heap_bytes: i64,
    /// Indexes, bytes: what is built on the target.
    pub index_bytes: i64,
    /// Writes (rows inserted, updated and deleted) per second on the source.
    pub writes_per_s: Option<f64>,
    /// Transactions per second on the source.
    pub transactions_per_s: Option<f64>,
    /// Bytes per second that the source adds to its log.
    pub wal_bytes_per_s: Option<f64>,
    /// Bytes per second that one session copies from the source into the target.
    pub copy_bytes_per_s: Option<f64>,
    /// Bytes of indexes that the target builds per second.
    pub index_bytes_per_s: Option<f64>,
    /// Rows per second that a validation compares.
    pub verify_rows_per_s: Option<f64>,
    /// The write pause of a switch on this pair, ms: of a drill or an earlier switch.
    pub pause_ms: Option<f64>,
    /// What stands in the way of replication, in sentences; empty when nothing does.
    pub no_replication: Vec<String>,
}

/// Rows per second of a comparison where none was measured: a tenth of what a machine with two cores does, see the benchmarks.
const VERIFY_ROWS_PER_S: f64 = 300_000.0;

impl Measured {
    /// How long copying every row takes with one session, s; None when the speed is not known.
    pub fn copy_s(&self) -> Option<f64> {
        quotient(self.heap_bytes as f64, self.copy_bytes_per_s)
    }

    /// How long building the indexes takes, s, one after the other; None when the speed is not known.
    pub fn index_s(&self) -> Option<f64> {
        quotient(self.index_bytes as f64, self.index_bytes_per_s)
    }

    /// How long comparing every row takes, s.
    pub fn verify_s(&self) -> f64 {
        self.rows as f64 / self.verify_rows_per_s.unwrap_or(VERIFY_ROWS_PER_S).max(1.0)
    }

    /// How long the copy and the changes that come meanwhile take until the target has caught up, s. None when a speed is not
    /// known, infinite when changes come faster than they can be carried.
    ///
    /// While `copy + index` seconds pass, `wal` bytes per second come up; they are carried at the copy's speed while more
    /// come up, which is a geometric series: `t / (1 - wal/copy)`.
    pub fn catch_up_s(&self) -> Option<f64> {
        let base = self.copy_s()? + self.index_s()?;
        let load = self.wal_bytes_per_s? / self.copy_bytes_per_s?;
        Some(if load >= 1.0 { f64::INFINITY } else { base / (1.0 - load) })
    }
}

fn quotient(bytes: f64, per_s: Option<f64>) -> Option<f64> {
    per_s.filter(|per_s| *per_s > 0.0).map(|per_s| bytes / per_s)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_that_come_while_it_copies_are_carried_too() {
        let m = Measured {
            heap_bytes: 1_000,
            index_bytes: 0,
            copy_bytes_per_s: Some(10.0),
            index_bytes_per_s: Some(10.0),
            wal_bytes_per_s: Some(5.0),
            ..Measured::default()
        };
        assert_eq!(m.copy_s(), Some(100.0));
        assert_eq!(m.catch_up_s(), Some(200.0), "half as fast as the copy comes up again: twice the time");
        let m = Measured { wal_bytes_per_s: Some(10.0), ..m };
        assert_eq!(m.catch_up_s(), Some(f64::INFINITY), "it never catches up");
    }

    #[test]
    fn what_was_not_measured_is_not_made_up() {
        let m = Measured { heap_bytes: 1_000, copy_bytes_per_s: Some(0.0), ..Measured::default() };
        assert_eq!((m.copy_s(), m.index_s(), m.catch_up_s()), (None, None, None));
    }
}
