//! Drills that are run by themselves, again and again.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{DrillOrder, DrillRecord};
use crate::UnixMs;

/// Shortest time between two drills of a plan, seconds: an hour. A drill costs readers a little each time.
pub const SHORTEST_S: u32 = 3_600;

/// When drills are run by themselves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct DrillPlan {
    /// From the beginning of one to that of the next, seconds.
    pub every_s: u32,
    /// From when on.
    pub from: UnixMs,
    /// What is rehearsed.
    pub order: DrillOrder,
}

impl DrillPlan {
    /// Every problem in it, each a sentence; empty when it can be kept.
    pub fn problems(&self) -> Vec<String> {
        let mut out = self.order.problems();
        if self.every_s < SHORTEST_S {
            out.push("Drills by plan are at least an hour apart.".to_owned());
        }
        out
    }

    /// When the next one is due, by what was asked for so far. One that came due while nobody drove is made up for once.
    pub fn next(&self, drills: &[DrillRecord]) -> UnixMs {
        let last = drills.iter().rev().find(|d| d.order == self.order && d.asked >= self.from);
        last.map_or(self.from, |d| d.asked + i64::from(self.every_s) * 1000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drill::{Act, Failure};

    #[test]
    fn a_missed_drill_is_made_up_for_once() {
        let order = DrillOrder {
            failure: Failure::TargetDown,
            act: Act::Reads { percent: 1 },
            canary: "app".into(),
            goal_ms: 5_000,
        };
        let plan = DrillPlan { every_s: SHORTEST_S, from: 1_000, order: order.clone() };
        assert_eq!(plan.next(&[]), 1_000, "the first one is due from the beginning");
        let asked = 50 * i64::from(SHORTEST_S) * 1000;
        let record = DrillRecord { id: 7, asked, by: "ann".into(), order, began: None, ended: None };
        assert_eq!(plan.next(&[record]), asked + i64::from(SHORTEST_S) * 1000, "not forty-nine more at once");
        assert_eq!(DrillPlan { every_s: 60, ..plan }.problems().len(), 1);
    }
}
