//! The offline strategy, walked through every order of its commands, each done, undone or failed: what may be held, when it
//! may be released, and that nobody is ever left refused without a way back.

use super::*;
use crate::{
    gate::{Facts, HoldFacts, Judged, Question, judge},
    hold::{REFUSE_WRITES, Standing},
    migration::Strategy,
};

/// How deep the walk goes: a hold, a copy, a validation, a switch, the way back, and a command of each kind beside.
const DEPTH: usize = 6;

fn begin() -> Vec<Recorded> {
    let spec = MigrationSpec {
        name: "orders".into(),
        strategy: Strategy::Offline,
        source: "a".into(),
        target: "b".into(),
        routers: vec![],
        limits: Limits::demo(),
    };
    let mut book = vec![];
    add(&mut book, Entry::Created { spec });
    for command in [Command::Analyze, Command::Prepare] {
        run(&mut book, command, Outcome::Done, |_, _| {});
    }
    book
}

fn add(book: &mut Vec<Recorded>, entry: Entry) -> i64 {
    let seq = book.len() as i64 + 1;
    book.push(Recorded { seq, at: seq * 1000, by: "ann".into(), generation: 1, entry });
    seq
}

fn run(book: &mut Vec<Recorded>, command: Command, outcome: Outcome, inner: impl FnOnce(&mut Vec<Recorded>, i64)) {
    let run = add(book, Entry::RunStarted { command, reason: String::new(), gates: vec![] });
    inner(book, run);
    add(book, Entry::RunEnded { run, outcome, summary: String::new(), stopwatch: None });
}

/// What stands outside, beside the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct World {
    source: Standing,
    copied: bool,
}

/// The hold gate's word for a command.
fn hold_gate(state: &State, world: World, command: &Command) -> Option<Judged> {
    let now = state.seq * 1000;
    let hold = Some(HoldFacts { at: now, standing: Ok(world.source) });
    let facts = Facts { hold, ..Facts::default() };
    judge(&Question { command, state, facts: &facts, now }).into_iter().find(|j| j.gate == "hold")
}

/// What is true in every state.
fn check(state: &State, world: World) {
    if state.authority == Side::Target {
        assert_eq!(state.held, None, "who refuses for good does not refuse by agreement");
        assert_eq!(world.source, Standing::Moved, "the source refuses while writes are on the target");
        assert!(state.allows(&Command::RollBack).is_ok(), "the way back is behind nothing");
        return;
    }
    assert_eq!(state.held.is_some(), world.source == Standing::Held, "the journal and the source say the same");
    if state.held.is_some() {
        assert!(state.allows(&Command::Release).is_ok(), "writes can be released whenever they are held");
        assert!(state.allows(&Command::RollBack).is_ok(), "the button for the way back lets them go on as well");
        assert!(state.allows(&Command::Hold).is_err(), "what is held is not held twice");
        assert!(state.allows(&Command::Prepare).is_err(), "an undone preparation would drop the fence");
    }
    for command in [Command::Replicate, Command::SwitchWrites] {
        let gate = hold_gate(state, world, &command).unwrap();
        assert_eq!(gate.verdict.opens(), state.held.is_some(), "{}: {:?}", command.label(), gate.verdict);
        let fallen = World { source: Standing::Down, ..world };
        assert!(!hold_gate(state, fallen, &command).unwrap().verdict.opens(), "a fence that fell opens nothing");
    }
}

/// Does a command as the engine does, where state and gate allow it.
fn act(book: &[Recorded], world: World, command: &Command, outcome: Outcome) -> Option<(Vec<Recorded>, World)> {
    let state = replay(book).unwrap();
    state.allows(command).ok()?;
    if hold_gate(&state, world, command).is_some_and(|gate| !gate.verdict.opens()) {
        return None;
    }
    let (mut book, mut world) = (book.to_vec(), world);
    let mut moves = None;
    if outcome == Outcome::Done {
        match command {
            Command::Hold => world.source = Standing::Held,
            Command::Release => world.source = Standing::Down,
            Command::Replicate => world.copied = true,
            Command::SwitchWrites => {
                assert!(world.copied, "nothing was copied");
                world.source = Standing::Moved;
                moves = Some(Side::Target);
            }
            Command::RollBack => {
                world.source = Standing::Down;
                moves = (state.authority == Side::Target).then_some(Side::Source);
            }
            Command::Analyze
            | Command::Prepare
            | Command::Validate
            | Command::Repair { .. }
            | Command::ShiftReads { .. }
            | Command::Cleanup { .. } => {}
        }
    } else if outcome == Outcome::Failed && *command == Command::Hold {
        // It could not be taken back.
        world.source = Standing::Held;
    }
    let stuck = outcome == Outcome::Failed && *command == Command::Hold;
    run(&mut book, command.clone(), outcome, |book, run| {
        if stuck {
            let (step, why, remedy) = (REFUSE_WRITES.to_owned(), String::new(), String::new());
            add(book, Entry::StepStarted { run, step: step.clone(), actions: vec![] });
            add(book, Entry::UndoFailed { run, step, why, remedy });
        }
        if let Some(authority) = moves {
            add(book, Entry::PointOfNoReturn { run, epoch: state.epoch + 1, authority });
            let reads_on_target = if authority == Side::Target { 100 } else { 0 };
            add(book, Entry::Routed { run, route: Route { reads_on_target, writes: authority } });
        }
    });
    Some((book, world))
}

fn walk(book: &[Recorded], world: World, depth: usize, seen: &mut usize, switched: &mut bool) {
    let state = replay(book).unwrap();
    check(&state, world);
    *seen += 1;
    *switched |= state.epoch > 2 && state.authority == Side::Source && state.held.is_some();
    if depth == 0 {
        return;
    }
    let commands = [Command::Hold, Command::Release, Command::Replicate, Command::SwitchWrites, Command::RollBack];
    for command in &commands {
        for outcome in [Outcome::Done, Outcome::Undone, Outcome::Failed] {
            if let Some((book, world)) = act(book, world, command, outcome) {
                walk(&book, world, depth - 1, seen, switched);
            }
        }
    }
}

#[test]
fn every_order_of_commands_keeps_the_hold_honest() {
    let (mut seen, mut switched) = (0, false);
    walk(&begin(), World { source: Standing::Down, copied: false }, DEPTH, &mut seen, &mut switched);
    assert!(seen > 1_000, "{seen} states: the walk went nowhere");
    assert!(switched, "the walk came through a switch, its way back and a second hold");
}

#[test]
fn a_release_that_dies_is_finished_and_a_hold_that_dies_is_undone() {
    let mut book = begin();
    add(&mut book, Entry::RunStarted { command: Command::Hold, reason: String::new(), gates: vec![] });
    let state = replay(&book).unwrap();
    assert_eq!(state.recovery(), Some(Recovery::Undo));
    assert_eq!(state.held, None, "nothing is held before the run says so");
    let mut book = begin();
    run(&mut book, Command::Hold, Outcome::Done, |_, _| {});
    add(&mut book, Entry::RunStarted { command: Command::Release, reason: String::new(), gates: vec![] });
    assert_eq!(replay(&book).unwrap().recovery(), Some(Recovery::Finish), "writers were promised that they go on");
}

#[test]
fn a_hold_that_failed_before_the_fence_is_none() {
    let mut book = begin();
    run(&mut book, Command::Hold, Outcome::Failed, |book, run| {
        add(book, Entry::StepStarted { run, step: "hold".into(), actions: vec![] });
    });
    assert_eq!(replay(&book).unwrap().held, None, "a router that did not let go refuses no writes");
}

#[test]
fn the_time_counts_from_the_refusal_and_the_limit_is_told() {
    let mut book = begin();
    let mut refused = 0;
    run(&mut book, Command::Hold, Outcome::Done, |book, run| {
        refused = add(book, Entry::StepStarted { run, step: REFUSE_WRITES.into(), actions: vec![] }) * 1000;
    });
    let state = replay(&book).unwrap();
    assert_eq!(state.held.as_ref().map(|h| h.since), Some(refused));
    let limit = i64::from(state.limits().held_max_s) * 1000;
    assert!(!state.held_for(refused + limit).unwrap().overdue, "at the limit");
    assert!(state.held_for(refused + limit + 1000).unwrap().overdue, "beyond it");
    let world = World { source: Standing::Held, copied: false };
    assert!(
        hold_gate(&state, world, &Command::Replicate).unwrap().verdict.opens(),
        "a warning, and no gate that shuts"
    );
}
