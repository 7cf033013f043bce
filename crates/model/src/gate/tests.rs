//! Each gate at its boundaries.

use super::*;
use crate::{
    journal::{Entry, Recorded},
    limits::Limits,
    migration::{MigrationSpec, Strategy},
    state::replay,
};

pub(super) fn state() -> State {
    let spec = MigrationSpec {
        name: "orders".into(),
        strategy: Strategy::Live,
        source: "a".into(),
        target: "b".into(),
        routers: vec![],
        limits: Limits::normal(),
    };
    replay(&[Recorded { seq: 1, at: 0, by: String::new(), generation: 1, entry: Entry::Created { spec } }]).unwrap()
}

pub(super) fn ask(state: &State, facts: &Facts, now: i64, gate: &str) -> Judged {
    let command = Command::ShiftReads { percent: 100 };
    judge(&Question { command: &command, state, facts, now }).into_iter().find(|j| j.gate == gate).unwrap()
}

#[test]
fn nothing_measured_opens_nothing() {
    let judged =
        judge(&Question { command: &Command::SwitchWrites, state: &state(), facts: &Facts::default(), now: 1_000_000 });
    assert!(!open(&judged), "no data must never open the switch");
    for j in judged.iter().filter(|j| j.gate != "soak") {
        assert!(
            matches!(j.verdict, Verdict::Unknown { .. }),
            "{} without data is Unknown, not {:?}",
            j.gate,
            j.verdict
        );
    }
}

#[test]
fn lag_has_to_be_held_and_says_when_it_opens() {
    let forward = StreamFacts { newest: Some((1_799_000, 1000.0)), within_since: Some(0) };
    let mut facts = Facts { forward, ..Facts::default() };
    let j = ask(&state(), &facts, 1_799_999, "lag");
    assert!(!j.verdict.opens(), "one millisecond too early");
    assert_eq!(j.opens_at, Some(1_800_000));
    facts.forward.newest = Some((1_800_000, 1000.0));
    assert!(ask(&state(), &facts, 1_800_000, "lag").verdict.opens(), "30 minutes at the limit count");
    facts.forward.newest = Some((1_800_000, 1000.1));
    assert!(!ask(&state(), &facts, 1_800_000, "lag").verdict.opens(), "above the limit");
}

#[test]
fn stale_lag_is_unknown() {
    let forward = StreamFacts { newest: Some((0, 1.0)), within_since: Some(-10_000_000) };
    let facts = Facts { forward, ..Facts::default() };
    let j = ask(&state(), &facts, 60_000, "lag");
    assert!(matches!(j.verdict, Verdict::Unknown { .. }), "a laptop that slept must look again: {:?}", j.verdict);
}

#[test]
fn what_was_measured_at_a_time_yet_to_come_is_unknown() {
    let hour = 3_600_000;
    let stream = StreamFacts { newest: Some((hour, 1.0)), within_since: Some(0) };
    let route = Ok(Route { reads_on_target: 0, writes: Side::Source });
    let route = Some(RouteReadBack { at: hour, route, holding: false });
    let facts = Facts { forward: stream, reverse: stream, route, ..Facts::default() };
    for gate in ["lag", "way_back", "read_back"] {
        let j = ask(&state(), &facts, 1000, gate);
        assert!(
            matches!(&j.verdict, Verdict::Unknown { missing } if missing.contains("set back")),
            "a clock that was set back makes nothing fresh: {gate} {:?}",
            j.verdict
        );
    }
}

#[test]
fn the_preflight_says_what_to_do() {
    let check = |n: u32| FailedCheck { what: format!("Check {n}: it fails."), remedy: format!("Mend {n}.") };
    let facts = |failed| Facts { analysis: Some(AnalysisFacts { at: 0, failed, unknown: 0 }), ..Facts::default() };
    let ask = |failed| {
        let facts = facts(failed);
        let question = Question { command: &Command::Prepare, state: &state(), facts: &facts, now: 1 };
        judge(&question).into_iter().find(|j| j.gate == "preflight").unwrap().verdict
    };
    assert_eq!(ask(vec![check(1)]), Verdict::fail("Check 1: it fails.", "Mend 1. Then analyze again."));
    let Verdict::Fail { why, remedy } = ask(vec![check(1), check(2)]) else { panic!("two failed checks close it") };
    assert!(why.contains("And 1 more") && remedy.starts_with("Mend 1."), "{why} {remedy}");
}

#[test]
fn an_answer_is_as_old_as_its_facts() {
    let stream = StreamFacts { newest: Some((700, 1.0)), within_since: Some(0) };
    let route = Ok(Route { reads_on_target: 0, writes: Side::Source });
    let route = Some(RouteReadBack { at: 600, route, holding: false });
    let facts = Facts { forward: stream, reverse: stream, route, ..Facts::default() };
    let aged = |gate| {
        let j = ask(&state(), &facts, 1000, gate);
        (j.at, j.counts_ms.is_some())
    };
    assert_eq!(aged("lag"), (Some(700), true));
    assert_eq!(aged("way_back"), (Some(700), true));
    assert_eq!(aged("read_back"), (Some(600), true));
    assert_eq!(aged("consistency"), (None, true), "what was never looked at has no age");
    assert_eq!(aged("soak"), (None, false), "the journal is always current");
}

#[test]
fn a_route_changed_by_hand_closes() {
    let facts = Facts {
        route: Some(RouteReadBack {
            at: 0,
            route: Ok(Route { reads_on_target: 50, writes: Side::Source }),
            holding: false,
        }),
        ..Facts::default()
    };
    let j = ask(&state(), &facts, 1, "read_back");
    assert!(matches!(&j.verdict, Verdict::Fail { why, .. } if why.contains("50 %")), "{:?}", j.verdict);
}

#[test]
fn what_routers_said_before_a_change_says_nothing_against_it() {
    let mut s = state();
    s.route = Route { reads_on_target: 10, writes: Side::Source };
    s.route_since = 500;
    let told = |at, reads_on_target| {
        let route = Ok(Route { reads_on_target, writes: Side::Source });
        let facts = Facts { route: Some(RouteReadBack { at, route, holding: false }), ..Facts::default() };
        ask(&s, &facts, 600, "read_back").verdict
    };
    assert!(matches!(told(499, 0), Verdict::Unknown { .. }), "the old route, from before: {:?}", told(499, 0));
    assert!(matches!(told(500, 0), Verdict::Fail { .. }), "asked since, and still the old one: {:?}", told(500, 0));
    assert!(told(500, 10).opens(), "{:?}", told(500, 10));
}

#[test]
fn an_override_opens_its_gate_only() {
    let mut s = state();
    s.overrides.insert("lag".into(), "ann".into());
    let judged = judge(&Question { command: &Command::SwitchWrites, state: &s, facts: &Facts::default(), now: 0 });
    assert!(!open(&judged), "the other gates are still closed");
    assert_eq!(judged[0].overridden_by.as_deref(), Some("ann"));
}

#[test]
fn stepping_back_is_never_gated() {
    let judged = judge(&Question { command: &Command::RollBack, state: &state(), facts: &Facts::default(), now: 0 });
    assert!(open(&judged) && judged.is_empty(), "going back must not wait for anything");
}

#[test]
fn durations_read_well() {
    assert_eq!([duration(5), duration(2472), duration(7200), duration(604_800)], ["5 s", "41:12", "2:00:00", "7 d"]);
}

fn compared(different: usize, unproven: usize, holds_at: Option<i64>) -> Facts {
    let consistency =
        ConsistencyFacts { tables: 3, different, findings: different as i64 * 2, unproven, rows: 900, holds_at };
    Facts { consistency: Some(consistency), ..Facts::default() }
}

#[test]
fn changes_that_are_verified_keep_the_consistency_gate_open() {
    let day = 24 * 3_600_000;
    let j = ask(&state(), &compared(0, 0, Some(5 * day)), 6 * day, "consistency");
    assert!(j.verdict.opens(), "nothing was validated by hand, and everything is proven: {:?}", j.verdict);
    assert_eq!(j.at, Some(5 * day), "its age is that of the oldest verdict");
    assert!(!ask(&state(), &compared(0, 0, Some(5 * day)), 6 * day + 1, "consistency").verdict.opens(), "too old");
    assert!(!ask(&state(), &compared(0, 1, Some(6 * day)), 6 * day, "consistency").verdict.opens(), "a hot table");
    assert!(!ask(&state(), &compared(0, 0, None), 6 * day, "consistency").verdict.opens(), "a table never compared");
}

#[test]
fn a_row_that_is_known_to_differ_closes_the_gate_whatever_was_validated() {
    let mut state = state();
    state.validation = Some(crate::validation::Validation { tables: vec![], at: 1_000, ms: 1 });
    let j = ask(&state, &compared(1, 0, Some(0)), 400 * 24 * 3_600_000, "consistency");
    assert!(matches!(j.verdict, Verdict::Fail { .. }), "divergence pauses the cutover: {:?}", j.verdict);
    assert_eq!(j.verdict.sentence(), "2 rows differ, in 1 of 3 tables");
}
