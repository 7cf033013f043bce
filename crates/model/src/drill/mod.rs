//! Drills: a rehearsed failure and the way back from it, measured.
//!
//! Owns what can be rehearsed, what is asked for and what came of it. How a failure is put on and how it is measured is the
//! engine's.

mod failure;
mod ledger;
mod measured;
mod plan;
mod record;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::Command;

pub use failure::Failure;
pub use ledger::LedgerCheck;
pub use measured::{DrillResult, Measured};
pub use plan::DrillPlan;
pub use record::DrillRecord;

/// The schema of the drills' own objects, on both sides. Its tables are carried, fenced and compared as the application's are.
pub const SCHEMA: &str = "switchyard_drill";

/// The canary writer's table in [`SCHEMA`].
pub const LEDGER: &str = "ledger";

/// What traffic moves before the failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "act", rename_all = "snake_case")]
pub enum Act {
    /// A share of reads goes to the target.
    Reads {
        /// 1–100; at most the ladder's next rung.
        percent: u8,
    },
    /// Writes go to the target, where the ladder is at its top.
    Writes,
}

impl Act {
    /// The command that moves it.
    pub fn command(self) -> Command {
        match self {
            Act::Reads { percent } => Command::ShiftReads { percent },
            Act::Writes => Command::SwitchWrites,
        }
    }
}

/// What is rehearsed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct DrillOrder {
    /// What goes wrong.
    pub failure: Failure,
    /// What moves before.
    pub act: Act,
    /// The database role of the canary, known to the poolers.
    pub canary: String,
    /// How long the whole may take, from the failure to the last request on the target, ms.
    pub goal_ms: u32,
}

/// Longest goal that makes sense, ms: ten minutes.
const LONGEST_MS: u32 = 600_000;

impl DrillOrder {
    /// Every problem in it, each a sentence; empty when it can be rehearsed.
    pub fn problems(&self) -> Vec<String> {
        let mut out = Vec::new();
        if let Act::Reads { percent } = self.act
            && !(1..=100).contains(&percent)
        {
            out.push(format!("{percent} % of reads cannot be shifted in a drill: choose 1 to 100."));
        }
        if self.canary.trim().is_empty() {
            out.push("A drill needs the name of a database role that the poolers let in, for its canary.".to_owned());
        }
        if self.canary.len() > 63 || self.canary.contains('\0') {
            out.push("The canary's role has no name that a server can have: at most 63 bytes.".to_owned());
        }
        if !(100..=LONGEST_MS).contains(&self.goal_ms) {
            out.push(format!("A goal of {} ms is none: choose 100 ms to 10 min.", self.goal_ms));
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_that_cannot_be_rehearsed_says_all_that_is_wrong() {
        let order = |act, canary: &str, goal_ms| DrillOrder {
            failure: Failure::TargetDown,
            act,
            canary: canary.to_owned(),
            goal_ms,
        };
        let goal = Failure::TargetDown.goal_ms();
        assert_eq!(order(Act::Reads { percent: 10 }, "app", goal).problems(), Vec::<String>::new());
        assert_eq!(order(Act::Writes, "app", goal).problems(), Vec::<String>::new());
        let wrong = order(Act::Reads { percent: 0 }, " ", 0).problems();
        assert_eq!(wrong.len(), 3, "each field is told: {wrong:?}");
        assert_eq!(order(Act::Reads { percent: 101 }, &"x".repeat(64), u32::MAX).problems().len(), 3);
    }
}
