//! A drill as the journal tells it.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{DrillOrder, DrillResult};
use crate::UnixMs;

/// A drill that was asked for. The number of its entry in the journal is its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct DrillRecord {
    /// Its number.
    pub id: i64,
    /// When it was asked for.
    pub asked: UnixMs,
    /// Who asked.
    pub by: String,
    /// What is rehearsed.
    pub order: DrillOrder,
    /// Since when it runs, or ran.
    pub began: Option<UnixMs>,
    /// When it ended, and how.
    pub ended: Option<(UnixMs, DrillResult)>,
}

impl DrillRecord {
    /// Whether it is asked for and has not ended.
    pub fn is_open(&self) -> bool {
        self.ended.is_none()
    }

    /// When it ended well.
    pub fn passed_at(&self) -> Option<UnixMs> {
        self.ended.as_ref().filter(|(_, result)| result.passed).map(|(at, _)| *at)
    }
}
