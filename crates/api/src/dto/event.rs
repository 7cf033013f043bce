//! What hosts are told without asking.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::Tone;

/// One event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// Something about this migration changed; ask for its cockpit again.
    Changed {
        /// The migration.
        migration: String,
    },
    /// Worth a native notification: a gate opened or closed, a step failed, the lag crossed its limit.
    Notice {
        /// The migration.
        migration: String,
        /// Short.
        title: String,
        /// One sentence.
        body: String,
        /// How it is meant.
        tone: Tone,
    },
}
