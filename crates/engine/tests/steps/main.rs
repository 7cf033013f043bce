//! Every step of every plan on a real pair with real routers and a light load: looked at before, cut off at many points,
//! cancelled, applied, applied again, undone, undone again. What is outside is compared before and after.
//!
//! The steps come from [`switchyard_engine::phases::plan`], so a new step is held to the whole contract without an edit
//! here; those that need not keep all of it are listed, each with its reason, in `exceptions.rs`.
#![allow(clippy::unwrap_used, clippy::panic)]

mod contract;
mod exceptions;
mod faults;
mod journal_full;
mod machine;
mod obstacles;
mod outside;
mod planted;
mod watched;
mod world;

use std::collections::BTreeSet;

use switchyard_engine::phases;
use switchyard_model::{
    Command, Side,
    migration::Strategy,
    state::{State, replay},
};
use world::World;

/// Commands up to the first validation, in their order.
fn before_the_cutover() -> Vec<Command> {
    vec![Command::Analyze, Command::Prepare, Command::Replicate, Command::Validate, repair()]
}

fn repair() -> Command {
    Command::Repair { table: None, findings: vec![] }
}

/// How a command is gone through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Walk {
    /// Each step is put to the test.
    Test,
    /// As in daily life, to get to the next.
    Run,
}

/// From the first read to the end. Roll back comes twice: with writes on the target, and with reads alone.
fn cutover_and_cleanup() -> Vec<(Walk, Command)> {
    let reads = Command::ShiftReads { percent: 100 };
    vec![
        (Walk::Test, reads.clone()),
        (Walk::Test, Command::SwitchWrites),
        (Walk::Test, Command::RollBack),
        (Walk::Run, reads.clone()),
        (Walk::Test, Command::RollBack),
        (Walk::Run, reads),
        (Walk::Run, Command::SwitchWrites),
        (Walk::Test, repair()),
        (Walk::Test, Command::Cleanup { typed_name: world::MIGRATION.to_owned() }),
    ]
}

/// The offline strategy: held before the copy and again behind it, released by its own command and by the way back.
fn the_hold() -> Vec<(Walk, Command)> {
    vec![
        (Walk::Run, Command::Analyze),
        (Walk::Run, Command::Prepare),
        (Walk::Test, Command::Hold),
        (Walk::Test, Command::Release),
        (Walk::Run, Command::Hold),
        (Walk::Run, Command::Replicate),
        (Walk::Test, Command::RollBack),
        (Walk::Test, Command::Hold),
        (Walk::Test, Command::SwitchWrites),
        (Walk::Run, Command::RollBack),
    ]
}

/// The names of all steps that these commands can have, whoever has the authority.
fn steps_of(commands: &[Command], state: &State) -> BTreeSet<&'static str> {
    let mut names = BTreeSet::new();
    for authority in [Side::Source, Side::Target] {
        let state = State { authority, ..state.clone() };
        for command in commands {
            names.extend(phases::plan(command, &state).steps.iter().map(|s| s.name()));
        }
    }
    names
}

async fn exercise(world: &World, walks: Vec<(Walk, Command)>) {
    let commands: Vec<Command> = walks.iter().map(|(_, command)| command.clone()).collect();
    let every = steps_of(&commands, &world.book.state().await);
    let mut exercised = BTreeSet::new();
    for (walk, command) in walks {
        println!("{walk:?} {}", command.label());
        let repairs = command == repair();
        if repairs {
            planted::plant(world).await;
        }
        match walk {
            Walk::Test => exercised.extend(contract::keep(world, command).await),
            Walk::Run => world.run(command).await,
        }
        if repairs {
            planted::are_mended(world).await;
        }
    }
    assert_eq!(exercised, every, "a step was not exercised");
    let entries = world.store.journal(world.book.migration(), 0).await.unwrap();
    replay(&entries).unwrap_or_else(|e| panic!("the journal follows from itself, whatever was repeated: {e}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn steps_before_the_cutover_keep_their_contract() {
    let world = World::start().await;
    exercise(&world, before_the_cutover().into_iter().map(|c| (Walk::Test, c)).collect()).await;
    world.nothing_is_lost(Side::Source).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn steps_of_cutover_and_cleanup_keep_their_contract() {
    let world = World::start().await;
    for command in before_the_cutover() {
        world.run(command).await;
    }
    exercise(&world, cutover_and_cleanup()).await;
    world.nothing_is_lost(Side::Target).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn steps_of_a_hold_keep_their_contract() {
    let world = World::with(Strategy::Offline).await;
    let mut exercised = BTreeSet::new();
    for (walk, command) in the_hold() {
        println!("{walk:?} {}", command.label());
        match walk {
            Walk::Test => exercised.extend(contract::keep(&world, command).await),
            Walk::Run => world.run(command).await,
        }
    }
    for step in ["fix_scope", "guard_hold", "hold", "refuse_writes", "resume", "let_writes_in", "fence", "commit_fence"]
    {
        assert!(exercised.contains(step), "{step} was not exercised");
    }
    let entries = world.store.journal(world.book.migration(), 0).await.unwrap();
    let state = replay(&entries).unwrap_or_else(|e| panic!("the journal follows from itself: {e}"));
    assert_eq!((state.authority, state.held), (Side::Source, None), "all is back, and nobody is refused");
    world.clients_write(std::time::Duration::from_secs(10)).await;
    world.nothing_is_lost(Side::Source).await;
}

#[test]
fn every_command_is_walked() {
    let tested = cutover_and_cleanup()
        .into_iter()
        .chain(the_hold())
        .filter(|(walk, _)| *walk == Walk::Test)
        .map(|(_, command)| command);
    let walked: Vec<Command> = before_the_cutover().into_iter().chain(tested).collect();
    // Without a wildcard: a new command has to be put into one of the two lists, and then here.
    for command in &walked {
        match command {
            Command::Analyze
            | Command::Prepare
            | Command::Hold
            | Command::Release
            | Command::Replicate
            | Command::Validate
            | Command::Repair { .. }
            | Command::ShiftReads { .. }
            | Command::SwitchWrites
            | Command::RollBack
            | Command::Cleanup { .. } => {}
        }
    }
    let kinds: BTreeSet<String> = walked.iter().map(|c| format!("{:?}", std::mem::discriminant(c))).collect();
    assert_eq!(kinds.len(), 11, "a command is walked by none of the tests");
}
