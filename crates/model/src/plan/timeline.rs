//! How long a move takes: the playbook's weeks, scaled by what was measured, with days that can be changed.
//!
//! The playbook gives ten weeks to a database of some hundred tables, some thousand writes a second and a team of two. Work
//! of people scales with tables, writes and people; work of machines is what the speeds of this pair make of its bytes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{
    Measured,
    span::{bytes, time},
};
use crate::{UnixMs, limits::Limits, migration::Strategy, time::DAY_MS};

/// Tables, writes per second and people of the playbook's database.
const TABLES: f64 = 300.0;
const WRITES: f64 = 3_000.0;
const TEAM: f64 = 2.0;

/// A copy and a comparison are made twice: one is the rehearsal.
const REHEARSED: f64 = 2.0;

/// One bar.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Task {
    /// Stable name, for changes: `discovery`.
    pub id: String,
    /// For people.
    pub title: String,
    /// Length, days.
    pub days: f64,
    /// Where the length comes from.
    pub why: String,
    /// Whether an operator gave the length.
    pub changed: bool,
    /// Beginning, as planned.
    pub start: UnixMs,
    /// End, as planned.
    pub end: UnixMs,
    /// When it ended; None while it has not.
    pub done: Option<UnixMs>,
    /// By how many days its end is or will be later than planned; 0 when it is not.
    pub slips_days: f64,
}

/// All bars, one after the other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Timeline {
    /// The strategy it is for.
    pub strategy: Strategy,
    /// Bars in their order.
    pub tasks: Vec<Task>,
    /// End of the last one as planned.
    pub end: UnixMs,
    /// End of the last one as it looks now.
    pub expected_end: UnixMs,
    /// What was changed and is none of its tasks, in sentences.
    pub unknown: Vec<String>,
}

/// What an operator changed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, TS)]
pub struct Changes {
    /// Days by task.
    #[serde(default)]
    pub days: BTreeMap<String, f64>,
    /// When a task ended, by task.
    #[serde(default)]
    pub done: BTreeMap<String, UnixMs>,
}

/// What a timeline is made from.
#[derive(Debug, Clone, Copy)]
pub struct Given<'a> {
    /// What was measured.
    pub measured: &'a Measured,
    /// The strategy.
    pub strategy: Strategy,
    /// Soak times and the time of receive-only.
    pub limits: &'a Limits,
    /// People.
    pub team: u32,
    /// First day.
    pub start: UnixMs,
    /// What an operator changed.
    pub changes: &'a Changes,
    /// Now.
    pub now: UnixMs,
}

/// Id, title, days, and why so many.
type Bar = (&'static str, &'static str, f64, String);

/// Places all bars.
pub fn timeline(given: Given<'_>) -> Timeline {
    let mut tasks: Vec<Task> = Vec::new();
    let (mut planned, mut expected) = (given.start, given.start);
    let bars = bars(&given);
    let ids: Vec<&str> = bars.iter().map(|b| b.0).collect();
    for (id, title, computed, why) in bars {
        let changed = given.changes.days.get(id).copied().filter(|d| d.is_finite() && *d >= 0.0);
        let days = changed.unwrap_or(computed);
        let length = (days * DAY_MS as f64).round() as i64;
        let done = given.changes.done.get(id).copied();
        let (start, end) = (planned, planned + length);
        // What is not done cannot end in the past.
        let ends = done.unwrap_or_else(|| (expected + length).max(given.now));
        tasks.push(Task {
            id: id.to_owned(),
            title: title.to_owned(),
            days,
            why: if changed.is_some() { format!("Given by hand; computed {computed:.1} days.") } else { why },
            changed: changed.is_some(),
            start,
            end,
            done,
            slips_days: ((ends - end).max(0) as f64 / DAY_MS as f64 * 10.0).round() / 10.0,
        });
        (planned, expected) = (end, ends);
    }
    let named = given.changes.days.keys().chain(given.changes.done.keys());
    let mut unknown: Vec<String> = named
        .filter(|name| !ids.contains(&name.as_str()))
        .map(|name| format!("“{name}” is no task of this plan: these are {}.", ids.join(", ")))
        .collect();
    unknown.dedup();
    Timeline { strategy: given.strategy, tasks, end: planned, expected_end: expected, unknown }
}

fn bars(given: &Given<'_>) -> Vec<Bar> {
    let m = given.measured;
    let team = (TEAM / f64::from(given.team.max(1))).clamp(0.5, 2.0);
    let tables = (m.tables as f64 / TABLES).clamp(0.15, 3.0);
    let people = |weeks: f64, scale: f64| round(weeks * 7.0 * scale * team);
    let by_tables = |what: &str| format!("{what} for {} tables and a team of {}.", m.tables, given.team);
    let mut bars: Vec<Bar> = vec![
        ("discovery", "Discovery and schema analysis", people(2.0, tables), by_tables("The playbook's two weeks")),
        ("compatibility", "Compatibility layer", people(1.0, tables), by_tables("The playbook's third week")),
    ];
    match given.strategy {
        Strategy::Offline => {
            bars.push(("rehearsal", "Rehearsal on a copy", round(1.0 + machine(m)), machine_says(m)));
            bars.push(("cutover", "Hold, copy, verify, switch", round(machine(m).max(0.5)), machine_says(m)));
        }
        Strategy::BlueGreen | Strategy::Live | Strategy::Rolling => {
            bars.push((
                "dual_write",
                "Dual write: replication in both directions",
                people(1.0, tables),
                by_tables("The playbook's fourth week"),
            ));
            bars.push(("copy", "Copy and catch up, rehearsed once", round(copy(m)), copy_says(m)));
            bars.push((
                "validation",
                "Validation and reconciliation",
                round(REHEARSED * m.verify_s() / 86_400.0 + people(2.0, tables)),
                verify_says(m),
            ));
            bars.extend(traffic(given, &people));
        }
    }
    let keeps = f64::from(given.limits.receive_only_s) / 86_400.0;
    if given.strategy != Strategy::Offline {
        let why = format!("The limits keep the way back open for {}.", time(f64::from(given.limits.receive_only_s)));
        bars.push(("receive_only", "Source receives only", round(keeps), why));
    }
    bars.push(("cleanup", "Cleanup", 1.0, "A day, in daylight.".to_owned()));
    bars
}

fn traffic(given: &Given<'_>, people: &dyn Fn(f64, f64) -> f64) -> Vec<Bar> {
    let m = given.measured;
    let writes = (m.writes_per_s.unwrap_or(WRITES) / WRITES).clamp(0.25, 2.0);
    let rate = match m.writes_per_s {
        Some(w) => format!("The playbook's two weeks for {w:.0} writes/s."),
        None => "The playbook's two weeks: the rate of writes was not measured.".to_owned(),
    };
    let mut bars: Vec<Bar> = vec![("performance", "Shadow reads and performance", people(2.0, writes), rate)];
    let soak: f64 = given.limits.ladder.iter().map(|r| f64::from(r.soak_s)).sum();
    let hold = f64::from(given.limits.lag_hold_s);
    let ladder = format!("{} rungs of the ladder soak for {}.", given.limits.ladder.len(), time(soak));
    match given.strategy {
        Strategy::Live => {
            bars.push(("cutover", "Reads by percent, then writes", round((soak + hold) / 86_400.0 + 1.0), ladder))
        }
        Strategy::Rolling => bars.push((
            "cutover",
            "Shard by shard",
            round((soak + hold) / 86_400.0 + 1.0),
            format!("{ladder} Per shard."),
        )),
        Strategy::BlueGreen | Strategy::Offline => {
            bars.push(("cutover", "Reads and writes at once", 1.0, "One switch, on a day of its own.".to_owned()));
        }
    }
    bars
}

/// To halves of a day, at least one half.
fn round(days: f64) -> f64 {
    ((days * 2.0).ceil() / 2.0).max(0.5)
}

/// Copy, indexes and comparison while nobody writes, days; a day where no speed is known.
fn machine(m: &Measured) -> f64 {
    m.copy_s().zip(m.index_s()).map_or(1.0, |(copy, index)| (copy + index + m.verify_s()) / 86_400.0)
}

fn machine_says(m: &Measured) -> String {
    match m.copy_s().zip(m.index_s()) {
        Some((copy, index)) => {
            format!("Copy {}, indexes {}, comparison {}.", time(copy), time(index), time(m.verify_s()))
        }
        None => "A day: the speeds of this pair were not measured.".to_owned(),
    }
}

fn copy(m: &Measured) -> f64 {
    match m.catch_up_s() {
        Some(s) if s.is_finite() => REHEARSED * s / 86_400.0 + 1.0,
        // The playbook's week and a half.
        Some(_) | None => 10.0,
    }
}

fn copy_says(m: &Measured) -> String {
    match m.catch_up_s() {
        Some(s) if s.is_finite() => format!(
            "{} at {}/s, indexes and what is written meanwhile: {}, twice, and a day to look at it.",
            bytes(m.heap_bytes as f64),
            bytes(m.copy_bytes_per_s.unwrap_or_default()),
            time(s)
        ),
        Some(_) => "The source writes faster than the target takes: it would never catch up.".to_owned(),
        None => "The playbook's week and a half: the speeds of this pair were not measured.".to_owned(),
    }
}

fn verify_says(m: &Measured) -> String {
    format!("{} rows take {}, twice, and the playbook's two weeks for what is found.", m.rows, time(m.verify_s()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured() -> Measured {
        Measured {
            tables: 300,
            rows: 100_000_000,
            heap_bytes: 100_000_000_000,
            index_bytes: 50_000_000_000,
            writes_per_s: Some(3_000.0),
            wal_bytes_per_s: Some(1e6),
            copy_bytes_per_s: Some(1e8),
            index_bytes_per_s: Some(1e8),
            ..Measured::default()
        }
    }

    fn plan(m: &Measured, strategy: Strategy, changes: &Changes, now: UnixMs) -> Timeline {
        let limits = Limits::normal();
        timeline(Given { measured: m, strategy, limits: &limits, team: 2, start: 0, changes, now })
    }

    fn days(t: &Timeline, id: &str) -> f64 {
        t.tasks.iter().find(|task| task.id == id).unwrap().days
    }

    #[test]
    fn the_playbooks_database_takes_the_playbooks_weeks() {
        let t = plan(&measured(), Strategy::Live, &Changes::default(), 0);
        assert_eq!((days(&t, "discovery"), days(&t, "compatibility"), days(&t, "dual_write")), (14.0, 7.0, 7.0));
        assert_eq!(days(&t, "performance"), 14.0, "weeks eight and nine");
        assert_eq!(days(&t, "receive_only"), 7.0, "the normal limits keep the way back for a week");
        let weeks = t.end as f64 / DAY_MS as f64 / 7.0;
        assert!((9.0..=11.0).contains(&weeks), "about ten weeks: {weeks}");
        assert!(t.tasks.windows(2).all(|w| w[0].end == w[1].start), "one after the other");
    }

    #[test]
    fn a_small_database_takes_less_and_a_slow_pair_more() {
        let small =
            Measured { tables: 20, rows: 10_000, heap_bytes: 10_000_000, writes_per_s: Some(100.0), ..measured() };
        let (small, normal) = (
            plan(&small, Strategy::Live, &Changes::default(), 0),
            plan(&measured(), Strategy::Live, &Changes::default(), 0),
        );
        assert!(small.end < normal.end / 2, "{} {}", small.end, normal.end);
        let slow = Measured { copy_bytes_per_s: Some(2e6), ..measured() };
        assert!(days(&plan(&slow, Strategy::Live, &Changes::default(), 0), "copy") > days(&normal, "copy"));
    }

    #[test]
    fn each_strategy_has_its_own_bars() {
        let ids =
            |s| plan(&measured(), s, &Changes::default(), 0).tasks.iter().map(|t| t.id.clone()).collect::<Vec<_>>();
        assert_eq!(ids(Strategy::Offline), ["discovery", "compatibility", "rehearsal", "cutover", "cleanup"]);
        assert!(ids(Strategy::BlueGreen).contains(&"receive_only".to_owned()));
        assert!(!ids(Strategy::Offline).contains(&"dual_write".to_owned()), "nothing is replicated");
    }

    #[test]
    fn what_is_late_pushes_what_follows_and_the_plan_stays_what_it_was() {
        let mut changes = Changes::default();
        changes.days.insert("discovery".into(), 10.0);
        changes.done.insert("discovery".into(), 13 * DAY_MS);
        let t = plan(&measured(), Strategy::Live, &changes, 13 * DAY_MS);
        let discovery = &t.tasks[0];
        assert!(discovery.changed && discovery.why.contains("14.0"), "{discovery:?}");
        assert_eq!((discovery.end, discovery.slips_days), (10 * DAY_MS, 3.0));
        assert!(t.tasks.iter().all(|task| task.slips_days == 3.0), "all that follows");
        assert_eq!(t.expected_end - t.end, 3 * DAY_MS);
        // Not done, and its day has passed.
        let t = plan(&measured(), Strategy::Live, &Changes::default(), 20 * DAY_MS);
        assert_eq!(t.tasks[0].slips_days, 6.0, "it was to end on day 14");
    }

    #[test]
    fn a_change_to_no_task_is_told() {
        let mut changes = Changes::default();
        changes.days.insert("discvery".into(), 1.0);
        changes.days.insert("copy".into(), f64::NAN);
        let t = plan(&measured(), Strategy::Live, &changes, 0);
        assert!(t.unknown.len() == 1 && t.unknown[0].contains("discvery"), "{:?}", t.unknown);
        assert!(!t.tasks.iter().any(|task| task.changed), "no number of days is none");
    }
}
