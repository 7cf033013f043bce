//! What a step of the cutover changes outside, beside what the explored machine knows of it.

use switchyard_model::{
    Command, Side,
    machine::{Effect, Role, Touch},
};

use super::outside::Outside;

/// Who gets the authority, or would; None for commands that move no traffic.
fn winner(command: &Command, authority: Side) -> Option<Side> {
    match command {
        Command::RollBack if authority == Side::Target => Some(Side::Source),
        Command::RollBack | Command::Hold | Command::Release | Command::SwitchWrites | Command::ShiftReads { .. } => {
            Some(Side::Target)
        }
        Command::Analyze
        | Command::Prepare
        | Command::Replicate
        | Command::Validate
        | Command::Repair { .. }
        | Command::Cleanup { .. } => None,
    }
}

/// The question whose answer a touch changes.
fn question(touch: Touch, winner: Side) -> Vec<String> {
    let side = |role: Role| match role {
        Role::Winner => winner,
        Role::Loser => winner.other(),
    };
    match touch {
        Touch::Pause => vec!["clients held".to_owned()],
        Touch::Route => vec!["route".to_owned()],
        Touch::OpenFence(role) => vec![format!("{}: open fences", side(role))],
        Touch::Refusal(role) => vec![format!("{}: the refusal", side(role)), format!("{}: triggers", side(role))],
        Touch::Valve(role) => vec![format!("{}: publications", side(role))],
    }
}

/// A step whose command moves traffic changes what its effect says, and nothing else.
pub fn knows(command: &Command, authority: Side, step: &str, before: &Outside, after: &Outside) {
    // What it fixes is in the journal alone.
    let Some(winner) = winner(command, authority).filter(|_| step != "fix_scope") else { return };
    let effect =
        Effect::named(step).unwrap_or_else(|| panic!("{step} is in {command:?}, and the machine knows no such step"));
    let known: Vec<String> = effect.touches().iter().flat_map(|touch| question(*touch, winner)).collect();
    for changed in before.changed(after) {
        assert!(
            known.contains(&changed),
            "{step} of {command:?} changes “{changed}”, and the machine that was explored does not know:\n{}",
            before.difference(after)
        );
    }
}

#[test]
fn a_step_that_does_more_than_the_machine_knows_is_found_out() {
    let before = Outside::default();
    let told = |step: &str, question: &str| {
        let after = before.with(question, "another answer");
        let look = || knows(&Command::SwitchWrites, Side::Source, step, &before, &after);
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(look)).is_err()
    };
    assert!(!told("route", "route"), "a route is a route");
    assert!(told("route", "target: publications"), "a route that opens a stream is another effect");
    assert!(!told("open_way_back", "target: publications"), "the winner's stream opens");
    assert!(told("open_way_back", "source: publications"), "and the loser's does not");
    assert!(told("release_twice", "route"), "a step that the machine has never heard of has no place in a switch");
}
