//! The plans that run are the programs that are explored: same steps, same order, same point of no return, same intents.

use switchyard_model::{
    Command, Side,
    journal::{Entry, Recorded},
    limits::Limits,
    machine::{Effect, Intent, Program, Undo},
    migration::{MigrationSpec, Strategy},
    state::{State, replay},
};

use crate::{phases, saga::Step, store::Durability};

fn state(strategy: Strategy, authority: Side, held: bool) -> State {
    let spec = MigrationSpec {
        name: "shop".into(),
        strategy,
        source: "a".into(),
        target: "b".into(),
        routers: vec![],
        limits: Limits::demo(),
    };
    let created = Recorded { seq: 1, at: 1, by: "ann".into(), generation: 1, entry: Entry::Created { spec } };
    let state = replay(&[created]).unwrap();
    let held = held.then(|| switchyard_model::hold::Held { since: 1, by: "ann".into() });
    State { authority, held, ..state }
}

type Steps = Vec<Box<dyn Step>>;

/// Every plan of every command that moves traffic, with the program that it has to be. Without a wildcard: a new command has to be
/// put somewhere.
fn plans() -> Vec<(String, Steps, Program)> {
    let name = "shop".to_owned();
    let commands = [
        Command::Analyze,
        Command::Prepare,
        Command::Hold,
        Command::Release,
        Command::Replicate,
        Command::Validate,
        Command::Repair { table: None, findings: vec![] },
        Command::ShiftReads { percent: 5 },
        Command::SwitchWrites,
        Command::RollBack,
        Command::Cleanup { typed_name: name },
    ];
    let mut plans = Vec::new();
    for strategy in [Strategy::Live, Strategy::Offline, Strategy::BlueGreen] {
        for authority in [Side::Source, Side::Target] {
            for held in [false, true] {
                let state = state(strategy, authority, held);
                for command in &commands {
                    let program = match (command, authority) {
                        (Command::SwitchWrites, _) | (Command::RollBack, Side::Target) => Program::Switch,
                        (Command::RollBack, Side::Source) if held => Program::Release,
                        (Command::RollBack, Side::Source) | (Command::ShiftReads { .. }, _) => Program::Reads,
                        (Command::Hold, _) => Program::Hold,
                        (Command::Release, _) => Program::Release,
                        (
                            Command::Analyze
                            | Command::Prepare
                            | Command::Replicate
                            | Command::Validate
                            | Command::Repair { .. }
                            | Command::Cleanup { .. },
                            _,
                        ) => continue,
                    };
                    let what = format!("{command:?} with {authority} in authority, held {held}");
                    plans.push((what, phases::plan(command, &state).steps, program));
                }
            }
        }
    }
    plans
}

#[test]
fn every_plan_that_moves_traffic_is_a_program_of_the_machine() {
    for (what, steps, program) in plans() {
        // What it fixes is in the journal alone; nothing outside changes.
        let outside: Vec<&Box<dyn Step>> = steps.iter().filter(|s| s.name() != "fix_scope").collect();
        let names: Vec<&str> = outside.iter().map(|s| s.name()).collect();
        let words: Vec<&str> = program.steps().into_iter().map(Effect::word).collect();
        assert_eq!(names, words, "{what}: the machine that was explored is another one");
        for (step, effect) in outside.iter().zip(program.steps()) {
            let name = step.name();
            assert_eq!(step.is_point_of_no_return(), effect.is_point_of_no_return(), "{what}: {name}");
            assert_eq!(step.is_inside_the_pause(), effect.is_inside_the_pause(), "{what}: {name}");
            let intent = match step.durability() {
                Durability::Disk => Intent::Disk,
                Durability::Process => Intent::Process,
            };
            assert_eq!(intent, effect.intent(), "{what}: how far the intent of {name} is written");
        }
    }
}

#[test]
fn a_name_has_one_effect_and_no_other_command_borrows_it() {
    for program in [Program::Switch, Program::Hold, Program::Release, Program::Reads] {
        for effect in program.steps() {
            let named = Effect::named(effect.word()).unwrap();
            assert_eq!((named.touches(), named.undo()), (effect.touches(), effect.undo()), "{}", effect.word());
        }
    }
    for strategy in [Strategy::Live, Strategy::Offline] {
        let state = state(strategy, Side::Source, false);
        for command in [Command::Analyze, Command::Prepare, Command::Replicate, Command::Validate] {
            for step in phases::plan(&command, &state).steps {
                assert!(Effect::named(step.name()).is_none(), "{command:?} has a step of the cutover: {}", step.name());
                assert!(!step.is_point_of_no_return(), "{command:?} has a point of no return that nobody explored");
            }
        }
    }
    assert!(Program::Switch.steps().iter().any(|e| e.undo() == Undo::TakenBack), "something can be taken back");
}
