//! The tasks of a move, and how long each takes.
//!
//! The playbook gives ten weeks to a database of some hundred tables, some thousand writes a second and a team of two. Work
//! of people scales with tables, writes and people; work of machines is what the speeds of this pair make of its bytes.

use super::{
    Measured,
    calendar::{Days, Work},
    span::{bytes, count, time},
    timeline::Given,
};
use crate::migration::Strategy;

/// Tables, writes per second and people of the playbook's database.
const TABLES: f64 = 300.0;
const WRITES: f64 = 3_000.0;
const TEAM: f64 = 2.0;

/// A copy and a comparison are made twice: one is the rehearsal.
const REHEARSED: f64 = 2.0;

/// Before it is known where it stands.
pub(super) struct Bar {
    /// Stable name.
    pub(super) id: &'static str,
    /// For people.
    pub(super) title: &'static str,
    /// Length, as computed.
    pub(super) days: f64,
    /// Who works.
    pub(super) work: Work,
    /// Where the length comes from.
    pub(super) why: String,
}

impl Bar {
    fn new(id: &'static str, title: &'static str, days: f64, work: Work, why: String) -> Bar {
        Bar { id, title, days, work, why }
    }
}

/// The bars of a strategy, in their order.
pub(super) fn bars(given: &Given<'_>, calendar: Days) -> Vec<Bar> {
    let m = given.measured;
    let team = (TEAM / f64::from(given.team.max(1))).clamp(0.5, 2.0);
    let tables = (m.tables as f64 / TABLES).clamp(0.15, 3.0);
    let people = |weeks: f64, scale: f64| round(calendar.in_weeks(weeks) * scale * team);
    let by_tables = |what: &str| format!("{what} for {} tables and a team of {}.", m.tables, given.team);
    let week = |id, title, weeks, what: &str| Bar::new(id, title, people(weeks, tables), Work::People, by_tables(what));
    let mut bars = vec![
        week("discovery", "Discovery and schema analysis", 2.0, "The playbook's two weeks"),
        week("compatibility", "Compatibility layer", 1.0, "The playbook's third week"),
    ];
    match given.strategy {
        Strategy::Offline => {
            let days = machine(m);
            bars.push(Bar::new("rehearsal", "Rehearsal on a copy", round(1.0 + days), Work::Machine, machine_says(m)));
            let title = "Hold, copy, verify, switch";
            bars.push(Bar::new("cutover", title, round(days.max(0.5)), Work::Machine, machine_says(m)));
        }
        Strategy::BlueGreen | Strategy::Live | Strategy::Rolling => {
            let title = "Dual write: replication in both directions";
            bars.push(week("dual_write", title, 1.0, "The playbook's fourth week"));
            let title = "Copy and catch up, rehearsed once";
            bars.push(Bar::new("copy", title, round(copy(m)), Work::Machine, copy_says(m)));
            let days = round(REHEARSED * m.verify_s() / 86_400.0 + people(2.0, tables));
            bars.push(Bar::new("validation", "Validation and reconciliation", days, Work::People, verify_says(m)));
            bars.extend(traffic(given, &people));
        }
    }
    let keeps = f64::from(given.limits.receive_only_s) / 86_400.0;
    let why = format!("The limits keep the way back open for {}.", time(f64::from(given.limits.receive_only_s)));
    bars.push(Bar::new("receive_only", "Source receives only", round(keeps), Work::Machine, why));
    bars.push(Bar::new("cleanup", "Cleanup", 1.0, Work::People, "A day, in daylight.".to_owned()));
    bars
}

fn traffic(given: &Given<'_>, people: &dyn Fn(f64, f64) -> f64) -> Vec<Bar> {
    let m = given.measured;
    let writes = (m.writes_per_s.unwrap_or(WRITES) / WRITES).clamp(0.25, 2.0);
    let rate = match m.writes_per_s {
        Some(w) => format!("The playbook's two weeks for {w:.0} writes/s."),
        None => "The playbook's two weeks: the rate of writes was not measured.".to_owned(),
    };
    let soak: f64 = given.limits.ladder.iter().map(|r| f64::from(r.soak_s)).sum();
    let days = round((soak + f64::from(given.limits.lag_hold_s)) / 86_400.0 + 1.0);
    let ladder = format!("{} rungs of the ladder soak for {}.", given.limits.ladder.len(), time(soak));
    let cutover = |title, days, work, why| Bar::new("cutover", title, days, work, why);
    vec![
        Bar::new("performance", "Shadow reads and performance", people(2.0, writes), Work::People, rate),
        match given.strategy {
            Strategy::Live => cutover("Reads by percent, then writes", days, Work::Machine, ladder),
            Strategy::Rolling => cutover("Shard by shard", days, Work::Machine, format!("{ladder} Per shard.")),
            Strategy::BlueGreen | Strategy::Offline => {
                let why = "One switch, on a day of its own.".to_owned();
                cutover("Reads and writes at once", 1.0, Work::People, why)
            }
        },
    ]
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
    format!(
        "{} rows take {}, twice, and the playbook's two weeks for what is found.",
        count(m.rows),
        time(m.verify_s())
    )
}
