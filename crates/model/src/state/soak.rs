//! The soak of the present rung: from when it counts, what broke it, and when the ladder steps back by itself.

use std::collections::BTreeSet;

use super::State;
use crate::{Command, Side, UnixMs};

/// After a step back the next one for the same trouble waits so long, ms: what is wrong on a rung may still be measured for a
/// while on the one below.
pub const STEP_AGAIN_MS: i64 = 60_000;

/// How the present rung's soak stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Soak {
    /// From when it counts: the later of the route's change and the recovery.
    pub since: UnixMs,
    /// What broke it, until that is well again.
    pub broken: Option<BrokenSoak>,
    /// When the ladder last began to step back by itself; None once everything was well after it.
    pub stepped_back: Option<UnixMs>,
    /// Gates that were overridden to come to this rung: whoever answers for that did not ask to be taken back for it.
    pub forced: BTreeSet<String>,
}

/// A soak that a gate broke.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokenSoak {
    /// Since when.
    pub at: UnixMs,
    /// The gate's stable name.
    pub gate: String,
    /// Its title.
    pub title: String,
    /// What it said.
    pub why: String,
}

impl Soak {
    /// A gate broke it. The first word on it stays as its beginning: a second one says that it goes on, and what is done about it.
    pub(super) fn take_break(&mut self, broken: BrokenSoak, steps_back: bool) {
        let now = broken.at;
        let since = self.broken.as_ref().map_or(now, |b| b.at);
        self.broken = Some(BrokenSoak { at: since, ..broken });
        if steps_back {
            self.stepped_back = Some(now);
        }
    }

    /// Everything is well again.
    pub(super) fn mend(&mut self, at: UnixMs) {
        self.begin(at);
        self.stepped_back = None;
    }

    /// A rung was reached.
    pub(super) fn begin(&mut self, at: UnixMs) {
        self.since = at;
        self.broken = None;
    }

    /// A command that moves reads begins, with these gates overridden.
    pub(super) fn force(&mut self, command: &Command, gates: impl Iterator<Item = String>) {
        if matches!(command, Command::ShiftReads { .. }) {
            self.forced = gates.collect();
        }
    }
}

impl State {
    /// Whether a rung soaks: some reads are on the target, writes are not, and nothing runs or is rehearsed.
    pub fn is_soaking(&self) -> bool {
        self.authority == Side::Source
            && self.route.reads_on_target > 0
            && self.open_run.is_none()
            && self.open_drill().is_none()
            && self.milestones.cleaned.is_none()
    }

    /// The rung to which the ladder steps back by itself because this gate fails; None where it is to stay.
    pub fn steps_back(&self, gate: &str, now: UnixMs) -> Option<u8> {
        let waits = self.soak.stepped_back.is_some_and(|at| (0..STEP_AGAIN_MS).contains(&(now - at)));
        let wanted = self.limits().step_back && !waits && !self.soak.forced.contains(gate);
        self.previous_rung().filter(|_| wanted && self.is_soaking())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        journal::{Entry, Outcome, Recorded},
        limits::Limits,
        migration::{MigrationSpec, Strategy},
        router::Route,
        state::replay,
    };

    /// A book of entries a second apart; 10 % was reached at 4 s.
    struct Told(Vec<Recorded>);

    impl Told {
        fn at_ten_percent(step_back: bool, overridden: Option<&str>) -> Told {
            let spec = MigrationSpec {
                name: "shop".into(),
                strategy: Strategy::Live,
                source: "a".into(),
                target: "b".into(),
                routers: vec![],
                limits: Limits { step_back, ..Limits::normal() },
            };
            let mut told = Told(Vec::new());
            told.add(Entry::Created { spec });
            if let Some(gate) = overridden {
                let (gate, by_name, reason) = (gate.to_owned(), "ann".to_owned(), "known".to_owned());
                told.add(Entry::Overridden { gate, by_name, reason });
            }
            told.shift(10);
            told
        }

        fn add(&mut self, entry: Entry) -> i64 {
            let seq = self.0.len() as i64 + 1;
            self.0.push(Recorded { seq, at: seq * 1000, by: "ann".into(), generation: 1, entry });
            seq
        }

        fn shift(&mut self, percent: u8) {
            let command = Command::ShiftReads { percent };
            let run = self.add(Entry::RunStarted { command, reason: String::new(), gates: vec![] });
            let route = Route { reads_on_target: percent, writes: Side::Source };
            self.add(Entry::Routed { run, route });
            self.add(Entry::RunEnded { run, outcome: Outcome::Done, summary: String::new(), stopwatch: None });
        }

        fn broken(&mut self, step_back: Option<u8>) -> i64 {
            let (gate, title) = ("errors".to_owned(), "Errors".to_owned());
            self.add(Entry::SoakBroken { gate, title, why: "2 of 9 failed".into(), step_back }) * 1000
        }

        fn state(&self) -> State {
            replay(&self.0).unwrap()
        }
    }

    #[test]
    fn a_soak_begins_anew_when_what_broke_it_is_well() {
        let mut told = Told::at_ten_percent(false, None);
        assert_eq!(told.state().soak.since, told.state().route_since, "it begins with the rung");
        let at = told.broken(None);
        told.broken(None);
        let broken = told.state().soak.broken.unwrap();
        assert_eq!((broken.at, broken.gate.as_str()), (at, "errors"), "since the first time that it was told");
        let mended = told.add(Entry::SoakMended) * 1000;
        let state = told.state();
        assert_eq!((state.soak.since, &state.soak.broken), (mended, &None));
        assert!(state.soak.since > state.route_since, "what held before does not count");
    }

    #[test]
    fn another_rung_begins_another_soak() {
        let mut told = Told::at_ten_percent(false, None);
        told.broken(None);
        told.shift(5);
        let state = told.state();
        assert_eq!((state.soak.since, &state.soak.broken), (state.route_since, &None));
    }

    #[test]
    fn it_steps_back_only_where_asked_to_and_once_for_a_trouble() {
        let now = 1_000_000;
        assert_eq!(Told::at_ten_percent(false, None).state().steps_back("errors", now), None, "off is off");
        let mut told = Told::at_ten_percent(true, None);
        assert_eq!(told.state().steps_back("errors", now), Some(5));
        let at = told.broken(Some(5));
        told.shift(5);
        assert_eq!(told.state().steps_back("errors", at + STEP_AGAIN_MS - 1), None, "one trouble is one step");
        assert_eq!(told.state().steps_back("errors", at + STEP_AGAIN_MS), Some(1), "it goes on, a rung lower");
        let mut mended = Told(told.0.clone());
        mended.add(Entry::SoakMended);
        assert_eq!(mended.state().steps_back("errors", at + 9_000), Some(1), "it was well: this is another trouble");
        told.shift(1);
        assert_eq!(told.state().steps_back("errors", now), Some(0), "below the lowest rung is the source");
        told.shift(0);
        assert_eq!(told.state().steps_back("errors", now), None, "and no further");
    }

    #[test]
    fn what_somebody_overrode_takes_nobody_back() {
        let told = Told::at_ten_percent(true, Some("errors"));
        assert_eq!(told.state().steps_back("errors", 1_000_000), None, "a person answers for this one");
        assert_eq!(told.state().steps_back("lag", 1_000_000), Some(5), "and for no other");
    }

    #[test]
    fn nothing_steps_back_once_writes_have_moved_or_while_something_runs() {
        let told = Told::at_ten_percent(true, None);
        let mut state = told.state();
        state.authority = Side::Target;
        assert_eq!(state.steps_back("errors", 1_000_000), None, "reads return with the writes there");
        let mut told = told;
        told.add(Entry::RunStarted { command: Command::Validate, reason: String::new(), gates: vec![] });
        assert!(!told.state().is_soaking(), "a run is open");
    }
}
