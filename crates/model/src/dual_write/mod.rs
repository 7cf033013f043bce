//! Synchronous dual write: the source keeps the authority, and a commit of whoever is chosen returns once the target has
//! applied it.
//!
//! Owns what can be asked for, what was measured and when the breaker opens. How it is put on and taken off is the engine's. It
//! is never on for all: [`Scope`] has no such value.

mod breaker;
mod record;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::lag::percentile;

pub use breaker::{AWAY_MS, Breaker, PACE_MS};
pub use record::{Cause, DualWriteEvent, DualWriteRecord, End};

/// Whose commits wait for the target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "scope", rename_all = "snake_case")]
#[ts(rename = "DualWriteScope")]
pub enum Scope {
    /// Those of one role, in the source database alone.
    Role {
        /// Its name.
        role: String,
    },
    /// Those of everybody in the source database who has no setting of their own.
    Database,
}

impl Scope {
    /// `role app`, `the database`.
    pub fn words(&self) -> String {
        match self {
            Scope::Role { role } => format!("role {role}"),
            Scope::Database => "the database".to_owned(),
        }
    }
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct DualWriteOrder {
    /// Whose commits wait.
    pub scope: Scope,
    /// The 99th percentile of a small write's time that opens the breaker when it is passed, µs.
    pub budget_us: u32,
}

/// The budget where nobody gives one, µs.
pub const BUDGET_US: u32 = 3_000;

/// Longest budget, µs: at a second the target counts as away.
pub const LONGEST_BUDGET_US: u32 = 1_000_000;

impl DualWriteOrder {
    /// The budget, ms.
    pub fn budget_ms(&self) -> f64 {
        f64::from(self.budget_us) / 1000.0
    }

    /// Every problem in it, each a sentence; empty when it can be asked for.
    pub fn problems(&self) -> Vec<String> {
        let mut out = Vec::new();
        if let Scope::Role { role } = &self.scope
            && (role.trim().is_empty() || role.len() > 63 || role.contains('\0'))
        {
            out.push("The role has no name that a server can have: give 1 to 63 bytes.".to_owned());
        }
        if !(10..=LONGEST_BUDGET_US).contains(&self.budget_us) {
            out.push(format!("A budget of {} ms is none: choose 0.01 ms to 1 s.", self.budget_ms()));
        }
        out
    }
}

/// How long small writes took.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, TS)]
pub struct Percentiles {
    /// Median, ms.
    pub p50_ms: f64,
    /// 95th percentile, ms.
    pub p95_ms: f64,
    /// 99th percentile, ms.
    pub p99_ms: f64,
    /// Writes behind them.
    pub samples: u32,
    /// Mean time that a transaction of anybody's in the source database was active meanwhile, ms; None where the server does not
    /// count it (before PostgreSQL 14), or where there was none.
    pub workload_ms: Option<f64>,
}

impl Percentiles {
    /// Of these times, ms; None without any.
    pub fn of(times: &[f64], workload_ms: Option<f64>) -> Option<Percentiles> {
        Some(Percentiles {
            p50_ms: percentile(times, 50.0)?,
            p95_ms: percentile(times, 95.0)?,
            p99_ms: percentile(times, 99.0)?,
            samples: times.len() as u32,
            workload_ms,
        })
    }

    /// `P50 0.31 ms, P95 0.52 ms, P99 0.80 ms of 400 writes`.
    pub fn words(&self) -> String {
        let [p50, p95, p99] = [self.p50_ms, self.p95_ms, self.p99_ms].map(crate::figure::read_ms);
        format!("P50 {p50}, P95 {p95}, P99 {p99} of {} writes", self.samples)
    }
}

/// What was set before, so that whoever takes it off can put it back. None where nothing was set there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(rename = "DualWriteFormer")]
pub struct Former {
    /// `synchronous_standby_names` by `ALTER SYSTEM`; where it counted, it was empty.
    pub names: Option<String>,
    /// Whether the server's own `synchronous_commit` has to change, so that nobody else waits.
    pub changes_server: bool,
    /// `synchronous_commit` by `ALTER SYSTEM`.
    pub server: Option<String>,
    /// `synchronous_commit` of whoever is chosen.
    pub scope: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_that_cannot_be_carried_out_says_all_that_is_wrong() {
        let order = |role: &str, budget_us| DualWriteOrder { scope: Scope::Role { role: role.into() }, budget_us };
        assert_eq!(order("app", BUDGET_US).problems(), Vec::<String>::new());
        assert_eq!(order(" ", 0).problems().len(), 2, "each field is told");
        assert_eq!(order(&"x".repeat(64), LONGEST_BUDGET_US + 1).problems().len(), 2);
        let everybody = DualWriteOrder { scope: Scope::Database, budget_us: BUDGET_US };
        assert_eq!(everybody.problems(), Vec::<String>::new());
    }

    #[test]
    fn no_writes_give_no_figures() {
        assert_eq!(Percentiles::of(&[], None), None);
        let figures = Percentiles::of(&[0.2, 0.4, 0.3], Some(1.0)).unwrap();
        assert_eq!((figures.p50_ms, figures.p99_ms, figures.samples), (0.3, 0.4, 3));
    }
}
