//! From what was measured to whether the drill passed. All times are ms since the failure was put on.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{DrillOrder, LedgerCheck};
use crate::figure;

/// What a drill measured.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Measured {
    /// When something first said that it is not well, and what it was.
    pub noticed: Option<(f64, String)>,
    /// When the way back was asked for.
    pub decided_ms: Option<f64>,
    /// When the journal and the routers said that everything is back.
    pub routed_back_ms: Option<f64>,
    /// When the target last answered a request of the canary; None when none of its requests got there after the failure.
    pub last_request_on_target_ms: Option<f64>,
    /// Requests of the canary after the failure.
    pub requests: u64,
    /// Those of them that failed.
    pub failed_requests: u64,
    /// The longest that the canary waited for the answer to a write, ms.
    pub longest_write_ms: f64,
    /// What became of its writes.
    pub ledger: LedgerCheck,
    /// What did not go as it should, each a sentence.
    pub troubles: Vec<String>,
}

/// How a drill ended, as the journal keeps it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct DrillResult {
    /// See [`Measured::noticed`].
    pub noticed_ms: Option<f64>,
    /// What noticed it: a gate, or the canary.
    pub noticed_by: Option<String>,
    /// See [`Measured::decided_ms`].
    pub decided_ms: Option<f64>,
    /// See [`Measured::routed_back_ms`].
    pub routed_back_ms: Option<f64>,
    /// See [`Measured::last_request_on_target_ms`].
    pub last_request_on_target_ms: Option<f64>,
    /// From the failure until everything was back and no request reached the target any more; None when it never was.
    pub total_ms: Option<f64>,
    /// See [`Measured::requests`].
    pub requests: u64,
    /// See [`Measured::failed_requests`].
    pub failed_requests: u64,
    /// See [`Measured::longest_write_ms`].
    pub longest_write_ms: f64,
    /// What became of the canary's writes.
    pub ledger: LedgerCheck,
    /// Whether the goal was met and nothing was lost.
    pub passed: bool,
    /// Why not, each a sentence; empty when it passed.
    pub why_not: Vec<String>,
}

impl Measured {
    /// Judges it against what was ordered.
    pub fn judge(self, order: &DrillOrder) -> DrillResult {
        let back = self.routed_back_ms;
        let total_ms = back.map(|back| back.max(self.last_request_on_target_ms.unwrap_or(0.0)));
        let mut why_not = self.troubles;
        if self.noticed.is_none() {
            why_not.push("Nothing noticed the failure: with this gate no one would have rolled back.".to_owned());
        }
        match total_ms {
            None => why_not.push("Not everything came back.".to_owned()),
            Some(total) if total > f64::from(order.goal_ms) => {
                let goal = figure::limit(f64::from(order.goal_ms));
                why_not.push(format!("It took {}, and the goal is {goal}.", figure::lag(total)));
            }
            Some(_) => {}
        }
        if self.ledger.acknowledged == 0 {
            why_not.push("No write of the canary was acknowledged, so nothing is proven about writes.".to_owned());
        }
        if !self.ledger.lost.is_empty() {
            why_not.push(format!("{} acknowledged writes are lost.", self.ledger.lost.len()));
        }
        if !self.ledger.duplicated.is_empty() {
            why_not.push(format!("{} writes are there more than once.", self.ledger.duplicated.len()));
        }
        let (noticed_ms, noticed_by) = self.noticed.unzip();
        DrillResult {
            noticed_ms,
            noticed_by,
            decided_ms: self.decided_ms,
            routed_back_ms: back,
            last_request_on_target_ms: self.last_request_on_target_ms,
            total_ms,
            requests: self.requests,
            failed_requests: self.failed_requests,
            longest_write_ms: self.longest_write_ms,
            ledger: self.ledger,
            passed: why_not.is_empty(),
            why_not,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drill::{Act, Failure};

    fn order() -> DrillOrder {
        DrillOrder { failure: Failure::TargetDown, act: Act::Writes, canary: "app".into(), goal_ms: 5_000 }
    }

    fn good() -> Measured {
        Measured {
            noticed: Some((800.0, "Lag".into())),
            decided_ms: Some(1_000.0),
            routed_back_ms: Some(1_500.0),
            last_request_on_target_ms: Some(1_700.0),
            requests: 100,
            failed_requests: 3,
            ledger: LedgerCheck { acknowledged: 10, ..LedgerCheck::default() },
            ..Measured::default()
        }
    }

    #[test]
    fn the_whole_lasts_until_the_last_request() {
        let result = good().judge(&order());
        assert_eq!(result.total_ms, Some(1_700.0), "a client was still sent there after the routers had answered");
        assert!(result.passed, "{:?}", result.why_not);
        let none_there = Measured { last_request_on_target_ms: None, ..good() }.judge(&order());
        assert_eq!(none_there.total_ms, Some(1_500.0));
    }

    #[test]
    fn each_thing_that_is_wrong_fails_it() {
        let fails = |change: fn(&mut Measured)| {
            let mut measured = good();
            change(&mut measured);
            let result = measured.judge(&order());
            assert!(!result.passed);
            assert_eq!(result.why_not.len(), 1, "{:?}", result.why_not);
        };
        fails(|m| m.noticed = None);
        fails(|m| m.routed_back_ms = None);
        fails(|m| m.routed_back_ms = Some(6_000.0));
        fails(|m| m.ledger.acknowledged = 0);
        fails(|m| m.ledger.lost.push(4));
        fails(|m| m.ledger.duplicated.push(4));
        fails(|m| m.troubles.push("The planted row is still there.".into()));
    }
}
