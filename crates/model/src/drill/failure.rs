//! What can go wrong in a drill.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A failure that is rehearsed. Each ends by itself when the process that put it on dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// The canary's sessions on the target are ended again and again.
    TargetDown,
    /// The canary's requests to the target take a quarter of a second longer.
    SlowTarget,
    /// The canary's requests to the target are answered with an error.
    TargetErrors,
    /// The stream stands still: the other side cannot apply what arrives.
    ReplicationStopped,
    /// A row that the side with the authority does not have is in the ledger of the other.
    Finding,
    /// Our connection to the first router is cut; the router itself goes on.
    RouterUnreachable,
    /// The process that drives is killed in the middle of the act.
    OperatorKilled,
}

impl Failure {
    /// All, in the order of the screen.
    pub const ALL: [Failure; 7] = [
        Failure::TargetDown,
        Failure::SlowTarget,
        Failure::TargetErrors,
        Failure::ReplicationStopped,
        Failure::Finding,
        Failure::RouterUnreachable,
        Failure::OperatorKilled,
    ];

    /// Name on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Failure::TargetDown => "target-down",
            Failure::SlowTarget => "slow-target",
            Failure::TargetErrors => "target-errors",
            Failure::ReplicationStopped => "replication-stopped",
            Failure::Finding => "finding",
            Failure::RouterUnreachable => "router-unreachable",
            Failure::OperatorKilled => "operator-killed",
        }
    }

    /// By its name.
    pub fn from_word(word: &str) -> Option<Failure> {
        Failure::ALL.into_iter().find(|f| f.word() == word)
    }

    /// How long the whole may take where nobody gives a goal, ms: five seconds, and as much more as what notices it takes by its
    /// nature. Changes are compared every few seconds, a router is cut off for five, and a lease lapses after six.
    pub fn goal_ms(self) -> u32 {
        match self {
            Failure::TargetDown | Failure::SlowTarget | Failure::TargetErrors | Failure::ReplicationStopped => 5_000,
            Failure::RouterUnreachable => 10_000,
            Failure::OperatorKilled => 15_000,
            Failure::Finding => 30_000,
        }
    }

    /// Title on the screen.
    pub fn title(self) -> &'static str {
        match self {
            Failure::TargetDown => "Target down",
            Failure::SlowTarget => "Slow target",
            Failure::TargetErrors => "Errors from the target",
            Failure::ReplicationStopped => "Replication stopped",
            Failure::Finding => "A row differs",
            Failure::RouterUnreachable => "Router unreachable",
            Failure::OperatorKilled => "Operator's process killed",
        }
    }

    /// What is done, and to whom, one sentence.
    pub fn what(self) -> &'static str {
        match self {
            Failure::TargetDown => {
                "Whatever the canary asks the target ends its session, as a server that falls over does; the application's sessions \
                 are left alone."
            }
            Failure::SlowTarget => "The canary's requests take 250 ms longer on the target; the application's do not.",
            Failure::TargetErrors => {
                "The canary's requests are answered with an error on the target; the application's are not."
            }
            Failure::ReplicationStopped => {
                "A lock on the beats keeps the stream from applying anything until the rollback is decided: the lag grows for \
                 everybody."
            }
            Failure::Finding => {
                "A row is planted in the drill's own ledger on the side without the authority; no table of the application is \
                 touched."
            }
            Failure::RouterUnreachable => {
                "Our connection to the first router is cut for 5 s; the router itself goes on serving."
            }
            Failure::OperatorKilled => {
                "The process that drives is killed in the middle of the act, and another one takes over."
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failure_is_found_by_its_word() {
        for failure in Failure::ALL {
            assert_eq!(Failure::from_word(failure.word()), Some(failure), "{failure:?}");
        }
        assert_eq!(Failure::from_word("earthquake"), None);
    }
}
