//! The limits that a migration lives by, and their templates.

mod room;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::reads::MOST_SAMPLES;

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
    /// How much slower than on the source a read may be on the target, percent of the source's percentile.
    #[serde(default = "latency_ratio_percent")]
    pub latency_ratio_percent: u32,
    /// Below this no read is too slow, whatever the source's takes, ms.
    #[serde(default = "latency_floor_ms")]
    pub latency_floor_ms: u32,
    /// How long read latency has to stay within its limits without a break, seconds.
    #[serde(default = "latency_hold_s")]
    pub latency_hold_s: u32,
    /// Reads on each side below which their latency is unknown.
    #[serde(default = "latency_min_samples")]
    pub latency_min_samples: u32,
    /// Errors on the target per million requests, above the source's own rate.
    #[serde(default = "errors_per_million")]
    pub errors_per_million: u32,
    /// Requests below which a rate of errors is unknown.
    #[serde(default = "errors_min_samples")]
    pub errors_min_samples: u32,
    /// Writes that fail on the target per million, above the source's own rate: a lost write weighs more than a lost read.
    #[serde(default = "errors_writes_per_million")]
    pub errors_writes_per_million: u32,
    /// So often a statement has to fail on the target, and never go well meanwhile, to be said to fail always.
    #[serde(default = "errors_always_from")]
    pub errors_always_from: u32,
    /// Free connections that have to be left on the target once the traffic has moved, percent of what clients may have.
    #[serde(default = "room::connections_headroom_percent")]
    pub connections_headroom_percent: u32,
    /// For how long connections are counted before a step opens, and whose most crowded moment is judged, seconds.
    #[serde(default = "room::headroom_hold_s")]
    pub headroom_hold_s: u32,
    /// Looks at both servers' connections below which their room is unknown.
    #[serde(default = "room::headroom_min_samples")]
    pub headroom_min_samples: u32,
    /// How much of `max_slot_wal_keep_size` has to be left for each slot of ours, percent.
    #[serde(default = "room::slot_headroom_percent")]
    pub slot_headroom_percent: u32,
    /// Log that may be kept for a slot of ours, MiB, whatever the server allows; 0 asks for the server's limit alone.
    #[serde(default = "room::slot_kept_max_mb")]
    pub slot_kept_max_mb: u32,
    /// How far off the limit of a slot has to be at the present pace, seconds.
    #[serde(default = "room::slot_runway_s")]
    pub slot_runway_s: u32,
    /// How old a transaction that holds locks on tables in scope may be when writes move, seconds.
    #[serde(default = "room::transaction_max_s")]
    pub transaction_max_s: u32,
    /// How long a gate has to fail before it breaks the soak of a rung, seconds.
    #[serde(default = "room::soak_break_s")]
    pub soak_break_s: u32,
    /// Whether a gate that breaks a soak takes the ladder one rung down, without being asked.
    #[serde(default)]
    pub step_back: bool,
}

/// A statement that has to fail more often than so to be noticed would not be.
const MOST_TIMES: u32 = 1_000;

/// Eight hours: a night.
fn held_max_s() -> u32 {
    8 * 3600
}

// A migration that an earlier version made gets the figures of the template "normal".

fn latency_ratio_percent() -> u32 {
    150
}

fn latency_floor_ms() -> u32 {
    5
}

fn latency_hold_s() -> u32 {
    10 * 60
}

fn latency_min_samples() -> u32 {
    200
}

/// 0.1 %.
fn errors_per_million() -> u32 {
    1_000
}

fn errors_min_samples() -> u32 {
    200
}

/// 0.01 %.
fn errors_writes_per_million() -> u32 {
    100
}

fn errors_always_from() -> u32 {
    3
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
            latency_ratio_percent: latency_ratio_percent(),
            latency_floor_ms: latency_floor_ms(),
            latency_hold_s: latency_hold_s(),
            latency_min_samples: latency_min_samples(),
            errors_per_million: errors_per_million(),
            errors_min_samples: errors_min_samples(),
            errors_writes_per_million: errors_writes_per_million(),
            errors_always_from: errors_always_from(),
            connections_headroom_percent: room::connections_headroom_percent(),
            headroom_hold_s: room::headroom_hold_s(),
            headroom_min_samples: room::headroom_min_samples(),
            slot_headroom_percent: room::slot_headroom_percent(),
            slot_kept_max_mb: room::slot_kept_max_mb(),
            slot_runway_s: room::slot_runway_s(),
            transaction_max_s: room::transaction_max_s(),
            soak_break_s: room::soak_break_s(),
            step_back: false,
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
        limits.latency_hold_s *= 2;
        limits.latency_min_samples *= 2;
        limits.errors_min_samples *= 2;
        limits.errors_per_million /= 2;
        limits.errors_writes_per_million /= 2;
        limits.errors_always_from = 2;
        limits.connections_headroom_percent *= 2;
        limits.headroom_hold_s *= 2;
        limits.headroom_min_samples *= 2;
        limits.slot_kept_max_mb /= 2;
        limits.slot_runway_s *= 2;
        limits.transaction_max_s /= 2;
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
        // Two servers and an application on one laptop: a read that waits for a processor proves nothing.
        limits.latency_ratio_percent = 300;
        limits.latency_floor_ms = 500;
        limits.latency_hold_s = 0;
        limits.latency_min_samples = 20;
        limits.errors_per_million = 100_000;
        limits.errors_writes_per_million = 10_000;
        limits.errors_min_samples = 20;
        limits.headroom_hold_s = 0;
        limits.headroom_min_samples = 1;
        limits.slot_runway_s = 60;
        limits.soak_break_s = 3;
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
        out.extend(self.problems_of_reads());
        out.extend(self.problems_of_room());
        out
    }

    fn problems_of_reads(&self) -> Vec<String> {
        let mut out = Vec::new();
        if !(100..=10_000).contains(&self.latency_ratio_percent) {
            out.push(format!(
                "Reads on the target may take between 100 % and 10 000 % of the source's time, not {} %.",
                self.latency_ratio_percent
            ));
        }
        if self.latency_floor_ms > 60_000 {
            out.push(format!(
                "Reads under {} ms would never be too slow: give at most 60 000 ms (latency_floor_ms).",
                self.latency_floor_ms
            ));
        }
        for (what, name, samples) in [
            ("Read latency", "latency_min_samples", self.latency_min_samples),
            ("The rate of errors", "errors_min_samples", self.errors_min_samples),
        ] {
            if !(1..=MOST_SAMPLES).contains(&samples) {
                out.push(format!(
                    "{what} needs between 1 and {MOST_SAMPLES} samples, since a minute of probes is sure to hold no more, \
                     not {samples} ({name})."
                ));
            }
        }
        for (what, name, errors) in [
            ("requests", "errors_per_million", self.errors_per_million),
            ("writes", "errors_writes_per_million", self.errors_writes_per_million),
        ] {
            if errors > 500_000 {
                out.push(format!(
                    "{errors} errors per million {what} are more than half of them: give at most 500 000 ({name})."
                ));
            }
        }
        if !(1..=MOST_TIMES).contains(&self.errors_always_from) {
            out.push(format!(
                "A statement fails always from between 1 and {MOST_TIMES} times on, not {} (errors_always_from).",
                self.errors_always_from
            ));
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

    #[test]
    fn bad_figures_for_reads_get_a_sentence_each() {
        let bad = Limits {
            latency_ratio_percent: 99,
            latency_floor_ms: 60_001,
            latency_min_samples: 0,
            errors_min_samples: MOST_SAMPLES + 1,
            errors_per_million: 500_001,
            errors_writes_per_million: 500_001,
            errors_always_from: 0,
            ..Limits::normal()
        };
        let told = bad.problems();
        assert_eq!(told.len(), 7, "each is named: {told:?}");
        assert!(told[2].contains("latency_min_samples"), "by the name that a file gives it: {told:?}");
    }

    #[test]
    fn limits_of_an_earlier_version_get_the_normal_figures() {
        let mut old = serde_json::to_value(Limits::normal()).unwrap();
        old.as_object_mut().unwrap().retain(|name, _| !name.starts_with("latency") && !name.starts_with("errors"));
        assert_eq!(serde_json::from_value::<Limits>(old).unwrap(), Limits::normal(), "its store still opens");
    }
}
