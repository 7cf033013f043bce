//! The journal, replayed.

use super::*;
use crate::migration::Strategy;

fn spec() -> MigrationSpec {
    MigrationSpec {
        name: "orders".into(),
        strategy: Strategy::Live,
        source: "a".into(),
        target: "b".into(),
        routers: vec![],
        limits: Limits::demo(),
    }
}

struct Book(Vec<Recorded>);

impl Book {
    fn new() -> Self {
        let mut b = Book(vec![]);
        b.add(Entry::Created { spec: spec() });
        b
    }
    fn add(&mut self, entry: Entry) -> i64 {
        let seq = self.0.len() as i64 + 1;
        self.0.push(Recorded { seq, at: seq * 1000, by: "ann".into(), generation: 1, entry });
        seq
    }
    fn run(&mut self, command: Command, inner: impl FnOnce(&mut Self, i64)) {
        let run = self.add(Entry::RunStarted { command, reason: String::new(), gates: vec![] });
        inner(self, run);
        self.add(Entry::RunEnded { run, outcome: Outcome::Done, summary: String::new(), stopwatch: None });
    }
    fn state(&self) -> State {
        replay(&self.0).unwrap()
    }
    fn ready() -> Self {
        let mut b = Book::new();
        for c in [Command::Analyze, Command::Prepare, Command::Replicate] {
            b.run(c, |_, _| {});
        }
        b
    }
}

#[test]
fn phases_open_in_order() {
    let mut b = Book::new();
    assert!(b.state().allows(&Command::Prepare).is_err(), "nothing was analyzed");
    b.run(Command::Analyze, |_, _| {});
    assert!(b.state().allows(&Command::Prepare).is_ok());
    assert!(b.state().allows(&Command::Replicate).is_err(), "the target is not prepared");
    assert!(b.state().allows(&Command::ShiftReads { percent: 1 }).is_err(), "nothing was copied");
    assert!(Book::ready().state().allows(&Command::Replicate).is_err(), "a second copy would double every row");
}

#[test]
fn a_preparation_that_was_taken_back_has_to_be_done_again() {
    let mut b = Book::new();
    for c in [Command::Analyze, Command::Prepare] {
        b.run(c, |_, _| {});
    }
    let run = b.add(Entry::RunStarted { command: Command::Prepare, reason: String::new(), gates: vec![] });
    b.add(Entry::RunEnded { run, outcome: Outcome::Undone, summary: String::new(), stopwatch: None });
    assert!(b.state().allows(&Command::Replicate).is_err(), "its undo dropped what the first one had made");
}

#[test]
fn rungs_are_not_skipped_going_up_and_may_be_going_down() {
    let mut b = Book::ready();
    assert!(b.state().allows(&Command::ShiftReads { percent: 5 }).is_err(), "1 % comes first");
    b.run(Command::ShiftReads { percent: 1 }, |b, run| {
        b.add(Entry::Routed { run, route: Route { reads_on_target: 1, writes: Side::Source } });
    });
    let s = b.state();
    assert_eq!((s.next_rung(), s.previous_rung()), (Some(5), Some(0)));
    assert!(s.allows(&Command::ShiftReads { percent: 0 }).is_ok());
    assert!(s.allows(&Command::SwitchWrites).is_err(), "writes move after 100 %");
}

#[test]
fn a_crash_before_the_point_of_no_return_is_undone_after_it_finished() {
    let mut b = Book::ready();
    let run = b.add(Entry::RunStarted { command: Command::SwitchWrites, reason: String::new(), gates: vec![] });
    b.add(Entry::StepStarted { run, step: "hold".into(), actions: vec![] });
    assert_eq!(b.state().recovery(), Some(Recovery::Undo));
    b.add(Entry::PointOfNoReturn { run, epoch: 2, authority: Side::Target });
    assert_eq!(b.state().recovery(), Some(Recovery::Finish));
    assert_eq!((b.state().authority, b.state().epoch), (Side::Target, 2));
    assert!(b.state().allows(&Command::RollBack).is_err(), "an open run has to be ended first");
}

#[test]
fn a_journal_with_a_hole_is_refused() {
    let mut b = Book::ready();
    b.0.remove(3);
    assert_eq!(replay(&b.0).unwrap_err().seq, 5, "the entry after the hole is the first that does not follow");
}

#[test]
fn an_epoch_cannot_jump() {
    let mut b = Book::ready();
    let run = b.add(Entry::RunStarted { command: Command::SwitchWrites, reason: String::new(), gates: vec![] });
    b.add(Entry::PointOfNoReturn { run, epoch: 5, authority: Side::Target });
    assert!(replay(&b.0).is_err(), "two operators must not both have taken the authority");
}

#[test]
fn cleanup_asks_for_the_name_and_is_the_end() {
    let mut b = Book::ready();
    assert!(b.state().allows(&Command::Cleanup { typed_name: "order".into() }).is_err());
    b.run(Command::Cleanup { typed_name: "orders".into() }, |_, _| {});
    assert!(b.state().allows(&Command::Analyze).is_err(), "nothing runs after cleanup");
}

#[test]
fn a_dual_write_stands_from_its_intent_and_keeps_writes_where_they_are() {
    use crate::dual_write::{Cause, DualWriteEvent as E, DualWriteOrder, End, Former, Percentiles, Scope};
    let figures = Percentiles { p50_ms: 0.2, p95_ms: 0.3, p99_ms: 0.4, samples: 100, workload_ms: None };
    let order = DualWriteOrder { scope: Scope::Role { role: "app".into() }, budget_us: 3_000 };
    let mut b = Book::new();
    assert!(b.state().allows_dual_write().unwrap_err().contains("Start replication"), "nothing streams yet");
    b = Book::ready();
    b.state().allows_dual_write().unwrap();
    let dual = b.add(Entry::DualWrite { event: E::Asked { order: order.clone() } });
    b.add(Entry::DualWrite { event: E::Asked { order: order.clone() } });
    assert_eq!(b.state().dual_writes.len(), 1, "the second of two who ask at once is not heard");
    b.add(Entry::DualWrite { event: E::Began { dual, before: figures, former: Former::default() } });
    b.add(Entry::DualWrite { event: E::Stands { dual, since: "2026-11-28 12:00:00+00".into() } });
    for command in [Command::SwitchWrites, Command::Cleanup { typed_name: "orders".into() }] {
        let why = b.state().allows(&command).unwrap_err();
        assert!(why.contains("turn it off first"), "{}: {why}", command.word());
    }
    assert!(b.state().allows(&Command::Validate).is_ok(), "what only reads goes on");
    b.add(Entry::DualWrite { event: E::OffAsked });
    assert!(b.state().open_dual_write().unwrap().off_asked.is_some());
    let end = |cause| End { cause, why: String::new(), during: None, freed_ms: Some(12.0) };
    b.add(Entry::DualWrite { event: E::Ended { dual, end: end(Cause::TargetAway) } });
    b.add(Entry::DualWrite { event: E::Measured { dual, after: figures } });
    let state = b.state();
    assert_eq!(state.dual_write_openings().get(&Cause::TargetAway), Some(&1));
    assert!(state.open_dual_write().is_none() && state.dual_writes[0].after.is_some());
    b.add(Entry::DualWrite { event: E::Ended { dual, end: end(Cause::Operator) } });
    assert!(replay(&b.0).is_err(), "it ends once");
}
