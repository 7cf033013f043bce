//! How long a move takes: the playbook's weeks, scaled by what was measured, with days that can be changed.
//!
//! Owns where bars stand: as planned, as it looks now, and what is done; `bars` says how long each is.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{Measured, bars::bars, calendar::Days};
use crate::{UnixMs, limits::Limits, migration::Strategy, time::DAY_MS};

/// One bar.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Task {
    /// Stable name, for changes: `discovery`.
    pub id: String,
    /// For people.
    pub title: String,
    /// Length, days; working days where people work and weekends are left out.
    pub days: f64,
    /// Where the length comes from.
    pub why: String,
    /// Whether an operator gave the length.
    pub changed: bool,
    /// Beginning, as planned.
    pub start: UnixMs,
    /// End, as planned.
    pub end: UnixMs,
    /// Beginning as it looks now: what is late pushes it, what was quick brings it forward.
    pub begins: UnixMs,
    /// End as it looks now, and the real one once it is done.
    pub ends: UnixMs,
    /// When it ended; None while it has not.
    pub done: Option<UnixMs>,
    /// Whether an operator said that it ended; else the journal did.
    pub done_by_hand: bool,
    /// By how many days its end is or will be later than planned; 0 when it is not.
    pub slips_days: f64,
}

impl Task {
    /// The last day that the plan gives it; its end is exclusive.
    pub fn last_planned(&self) -> UnixMs {
        (self.end - 1).max(self.start)
    }

    /// The last day that it takes as it looks now; the one on which it ended, once it has.
    pub fn last(&self) -> UnixMs {
        self.done.unwrap_or((self.ends - 1).max(self.begins))
    }

    /// By how many whole days it ends or ended earlier than planned; 0 when it does not.
    pub fn days_early(&self) -> i64 {
        ((self.end - self.ends) / DAY_MS).max(0)
    }
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
    /// When a task ended, by task; goes before what the journal says.
    #[serde(default)]
    pub done: BTreeMap<String, UnixMs>,
    /// Whether people rest on weekends, and nothing begins on one.
    #[serde(default)]
    pub skip_weekends: bool,
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
    /// When tasks ended, by the journal; empty without a migration.
    pub reached: &'a BTreeMap<String, UnixMs>,
    /// Now.
    pub now: UnixMs,
}

/// Places all bars.
pub fn timeline(given: Given<'_>) -> Timeline {
    let calendar = if given.changes.skip_weekends { Days::Working } else { Days::All };
    let bars = bars(&given, calendar);
    let ids: Vec<&str> = bars.iter().map(|b| b.id).collect();
    let done = ends(&given, &ids);
    let mut tasks: Vec<Task> = Vec::new();
    let (mut planned, mut expected) = (given.start, given.start);
    for (bar, done) in bars.into_iter().zip(done) {
        let changed = given.changes.days.get(bar.id).copied().filter(|d| d.is_finite() && *d >= 0.0);
        let days = changed.unwrap_or(bar.days);
        let start = calendar.begin(planned);
        let end = calendar.end(start, days, bar.work);
        let begins = calendar.begin(expected);
        // What is not done cannot end in the past.
        let ends = done.unwrap_or_else(|| calendar.end(begins, days, bar.work).max(given.now));
        tasks.push(Task {
            id: bar.id.to_owned(),
            title: bar.title.to_owned(),
            days,
            why: match changed {
                Some(_) => format!("Given by hand; computed {:.1} days.", bar.days),
                None => bar.why,
            },
            changed: changed.is_some(),
            start,
            end,
            begins: begins.min(ends),
            ends,
            done,
            done_by_hand: given.changes.done.contains_key(bar.id),
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

/// When each task ended: as an operator says, else as the journal does. What comes before something that the journal calls done
/// has ended too, at the latest with it.
fn ends(given: &Given<'_>, ids: &[&str]) -> Vec<Option<UnixMs>> {
    let mut after = None;
    let mut out: Vec<Option<UnixMs>> = ids
        .iter()
        .rev()
        .map(|id| {
            after = given.reached.get(*id).copied().or(after);
            given.changes.done.get(*id).copied().or(after)
        })
        .collect();
    out.reverse();
    out
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
        let reached = BTreeMap::new();
        timeline(Given { measured: m, strategy, limits: &limits, team: 2, start: 0, changes, reached: &reached, now })
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
        let offline = ["discovery", "compatibility", "rehearsal", "cutover", "receive_only", "cleanup"];
        assert_eq!(ids(Strategy::Offline), offline, "the way back is kept open whatever the strategy");
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
    #[test]
    fn what_the_journal_says_is_done_and_what_was_quick_brings_the_rest_forward() {
        let (m, limits, mut changes) = (measured(), Limits::normal(), Changes::default());
        let reached = BTreeMap::from([("discovery".to_owned(), DAY_MS), ("copy".to_owned(), 4 * DAY_MS)]);
        let now = 5 * DAY_MS;
        let place = |changes: &Changes| {
            let given = Given {
                measured: &m,
                strategy: Strategy::Live,
                limits: &limits,
                team: 2,
                start: 0,
                changes,
                reached: &reached,
                now,
            };
            timeline(given)
        };
        let t = place(&changes);
        let done: Vec<Option<UnixMs>> = t.tasks.iter().map(|task| task.done).take(5).collect();
        let four = Some(4 * DAY_MS);
        assert_eq!(
            done,
            [Some(DAY_MS), four, four, four, None],
            "what comes before the copy has ended with it at the latest"
        );
        assert_eq!(
            (t.tasks[4].begins, t.tasks[4].start > t.tasks[4].begins),
            (4 * DAY_MS, true),
            "the next begins at once"
        );
        assert!(t.expected_end < t.end, "and the whole ends earlier than planned");
        changes.done.insert("discovery".into(), 2 * DAY_MS);
        let discovery = place(&changes).tasks[0].clone();
        assert_eq!((discovery.done, discovery.done_by_hand), (Some(2 * DAY_MS), true), "a person's word goes first");
    }

    #[test]
    fn without_weekends_the_playbooks_weeks_have_five_days_and_last_as_long() {
        // 1970-01-05 is a Monday.
        let (m, limits, reached, start) = (measured(), Limits::normal(), BTreeMap::new(), 4 * DAY_MS);
        let changes = Changes { skip_weekends: true, ..Changes::default() };
        let given = Given {
            measured: &m,
            strategy: Strategy::Live,
            limits: &limits,
            team: 2,
            start,
            changes: &changes,
            reached: &reached,
            now: start,
        };
        let t = timeline(given);
        assert_eq!(
            (days(&t, "discovery"), t.tasks[0].end),
            (10.0, start + 12 * DAY_MS),
            "Monday to Friday of the second week"
        );
        assert_eq!(t.tasks[1].start, start + 14 * DAY_MS, "what follows begins on a Monday");
        let all = plan(&m, Strategy::Live, &Changes::default(), 0);
        let weeks = |t: &Timeline| (t.end - t.tasks[0].start) as f64 / DAY_MS as f64 / 7.0;
        assert!((weeks(&t) - weeks(&all)).abs() < 1.5, "weeks stay weeks: {} and {}", weeks(&t), weeks(&all));
        let weekend = |at: UnixMs| (at.div_euclid(DAY_MS) + 3).rem_euclid(7) >= 5;
        assert!(t.tasks.iter().all(|task| !weekend(task.start)), "nothing begins on a weekend");
    }
}
