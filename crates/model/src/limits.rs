//! The limits that a migration lives by, and their templates.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// One step of the read ladder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Rung {
    /// Percent of reads on the target, 1–100.
    pub percent: u8,
    /// How long it has to hold before the next one opens, seconds.
    pub soak_s: u32,
}

/// Limits of the gates and deadlines of the switch. Stored with the migration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Limits {
    /// The template these came from, shown beside the figures.
    pub template: String,
    /// Replication lag that may not be exceeded, ms.
    pub lag_limit_ms: u32,
    /// How long the lag has to stay below the limit without a break, seconds.
    pub lag_hold_s: u32,
    /// Age beyond which a validation no longer counts, seconds.
    pub validation_max_age_s: u32,
    /// Age of the newest reverse canary beyond which the way back is unproven, ms.
    pub canary_max_age_ms: u32,
    /// How long writes may be held before everything returns to the losing side, ms.
    pub hold_deadline_ms: u32,
    /// How long the fence may wait for its locks, ms. Shorter than the hold's deadline.
    pub lock_timeout_ms: u32,
    /// Added to each sequence on the winning side.
    pub sequence_margin: u32,
    /// The read ladder, ascending.
    pub ladder: Vec<Rung>,
    /// How long the source stays receive-only before Cleanup opens, seconds.
    pub receive_only_s: u32,
    /// How long writes may be held on the source, offline strategy, before it is warned of, seconds.
    #[serde(default = "held_max_s")]
    pub held_max_s: u32,
    /// How old the newest passed drill may be before writes move, or more reads than a drill moves, seconds; 0 asks for none.
    #[serde(default)]
    pub drill_max_age_s: u32,
}

/// Eight hours: a night.
fn held_max_s() -> u32 {
    8 * 3600
}

impl Limits {
    /// For production: 1 s of lag held for 30 min, soak in hours, 7 days of receive-only.
    pub fn normal() -> Self {
        let ladder = [(1, 2), (5, 2), (10, 2), (25, 4), (50, 4), (100, 8)];
        Limits {
            template: "normal".to_owned(),
            lag_limit_ms: 1_000,
            lag_hold_s: 30 * 60,
            validation_max_age_s: 24 * 3600,
            canary_max_age_ms: 5_000,
            hold_deadline_ms: 5_000,
            lock_timeout_ms: 1_000,
            sequence_margin: 1_000,
            ladder: ladder.map(|(percent, hours)| Rung { percent, soak_s: hours * 3600 }).to_vec(),
            receive_only_s: 7 * 24 * 3600,
            held_max_s: held_max_s(),
            drill_max_age_s: 30 * 24 * 3600,
        }
    }

    /// Twice as slow as normal, and half the lag.
    pub fn cautious() -> Self {
        let mut limits = Limits::normal();
        limits.template = "cautious".to_owned();
        limits.lag_limit_ms = 500;
        limits.lag_hold_s *= 2;
        limits.receive_only_s *= 2;
        limits.drill_max_age_s /= 2;
        for rung in &mut limits.ladder {
            rung.soak_s *= 2;
        }
        limits
    }

    /// Seconds instead of hours: for the demo and rehearsals, never for production; the screen says so.
    pub fn demo() -> Self {
        let mut limits = Limits::normal();
        limits.template = "demo".to_owned();
        limits.lag_hold_s = 5;
        limits.receive_only_s = 10;
        limits.held_max_s = 10 * 60;
        limits.drill_max_age_s = 0;
        for rung in &mut limits.ladder {
            rung.soak_s = 2;
        }
        limits
    }

    /// The names of the templates, in the order in which they are offered.
    pub const TEMPLATES: [&str; 3] = ["normal", "cautious", "demo"];

    /// A template by name.
    pub fn template(name: &str) -> Option<Self> {
        match name {
            "normal" => Some(Limits::normal()),
            "cautious" => Some(Limits::cautious()),
            "demo" => Some(Limits::demo()),
            _ => None,
        }
    }

    /// Every problem in the figures; empty when they can be used.
    pub fn problems(&self) -> Vec<String> {
        let mut out = Vec::new();
        if self.lock_timeout_ms >= self.hold_deadline_ms {
            out.push("The lock timeout must be shorter than the hold's deadline.".to_owned());
        }
        if self.ladder.is_empty() || self.ladder.last().is_none_or(|r| r.percent != 100) {
            out.push("The ladder must end at 100 % of reads: writes move only after that.".to_owned());
        }
        if self.ladder.iter().any(|r| r.percent == 0 || r.percent > 100) {
            out.push("A rung of the ladder must be between 1 % and 100 %.".to_owned());
        }
        if self.ladder.windows(2).any(|w| w[0].percent >= w[1].percent) {
            out.push("The ladder must ascend.".to_owned());
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_templates_are_valid() {
        for name in Limits::TEMPLATES {
            assert_eq!(
                Limits::template(name).unwrap().problems(),
                Vec::<String>::new(),
                "{name} must be usable as it is"
            );
        }
    }

    #[test]
    fn a_ladder_that_skips_the_top_is_refused() {
        let mut l = Limits::demo();
        l.ladder.pop();
        assert_eq!(l.problems().len(), 1, "writes would move with reads still on the source");
    }
}
