//! The write switch and the shifts of reads: one file per step.
//!
//! Which steps there are and in which order they run is said by [`switchyard_model::machine`], where they are explored; this
//! module only says which step object has which effect, and for which direction.

mod advance_sequences;
mod commit_fence;
mod fence;
mod guard;
mod guard_hold;
mod hold;
mod hold_writes;
mod let_writes_in;
mod lower_fence;
mod open_way_back;
mod point_of_no_return;
mod prove_caught_up;
mod readiness;
mod refuse_writes;
mod release;
mod resume;
mod route;
mod shift_reads;
#[cfg(test)]
mod tests;
mod watch;

pub use hold_writes::{hold_writes, release_writes};
use switchyard_model::{
    Side,
    machine::{Effect, Program},
    state::State,
    switch::SwitchStep,
};

use crate::saga::{Plan, Step};

/// Who gives the authority up and who gets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Direction {
    /// Gets the authority.
    pub winner: Side,
}

impl Direction {
    /// Gives the authority up.
    pub fn loser(self) -> Side {
        self.winner.other()
    }
}

/// The write switch towards a side.
pub fn switch(winner: Side) -> Vec<Box<dyn Step>> {
    let direction = Direction { winner };
    Program::Switch.steps().into_iter().map(|effect| make(effect, direction, 0)).collect()
}

/// The step that has an effect; `reads` is the share that a shift of reads is for.
fn make(effect: Effect, direction: Direction, reads: u8) -> Box<dyn Step> {
    match effect {
        Effect::Switch(step) => make_switch(step, direction),
        Effect::Hold(step) => hold_writes::make(step),
        Effect::LetWritesIn => Box::new(let_writes_in::LetWritesIn),
        Effect::ShiftReads => Box::new(shift_reads::ShiftReads { percent: reads }),
    }
}

/// Steps of a program of the offline strategy, or of a shift of reads; none of them has a direction.
fn steps(program: Program, reads: u8) -> Vec<Box<dyn Step>> {
    program.steps().into_iter().map(|effect| make(effect, Direction { winner: Side::Target }, reads)).collect()
}

fn make_switch(step: SwitchStep, direction: Direction) -> Box<dyn Step> {
    match step {
        SwitchStep::Guard => Box::new(guard::Guard(direction)),
        SwitchStep::Hold => Box::new(hold::Hold),
        SwitchStep::Fence => Box::new(fence::Fence(direction)),
        SwitchStep::ProveCaughtUp => Box::new(prove_caught_up::ProveCaughtUp(direction)),
        SwitchStep::AdvanceSequences => Box::new(advance_sequences::AdvanceSequences(direction)),
        SwitchStep::PointOfNoReturn => Box::new(point_of_no_return::PointOfNoReturn(direction)),
        SwitchStep::CommitFence => Box::new(commit_fence::CommitFence(direction)),
        SwitchStep::OpenWayBack => Box::new(open_way_back::OpenWayBack(direction)),
        SwitchStep::LowerFence => Box::new(lower_fence::LowerFence(direction)),
        SwitchStep::Route => Box::new(route::Route(direction)),
        SwitchStep::Release => Box::new(release::Release),
        SwitchStep::Watch => Box::new(watch::Watch(direction)),
    }
}

/// Writes to the target.
pub fn switch_writes(state: &State) -> Plan {
    let reads = if state.spec.strategy.moves_reads_by_percent() { "" } else { " All reads move with the writes." };
    Plan {
        title: if reads.is_empty() { "Switch writes to the target" } else { "Switch reads and writes to the target" }
            .to_owned(),
        summary: format!(
            "{} gives the authority to {}.{reads} Clients wait at the poolers meanwhile; until the point of no return everything \
             undoes itself within {} s.",
            state.spec.source,
            state.spec.target,
            state.limits().hold_deadline_ms / 1000
        ),
        steps: switch(Side::Target),
        stopwatch: true,
    }
}

/// Everything back to the source: the switch with the sides swapped, or only the reads where writes never moved, or writes
/// that were held there.
pub fn roll_back(authority: Side, state: &State) -> Plan {
    match authority {
        Side::Target => Plan {
            title: "Roll back: writes and reads return to the source".to_owned(),
            summary: format!(
                "{} holds the authority (epoch {}). Every write made there is on {} before it takes over.",
                state.spec.target, state.epoch, state.spec.source
            ),
            steps: switch(Side::Source),
            stopwatch: true,
        },
        Side::Source if state.held.is_some() => {
            Plan { title: "Roll back: writes go on at the source".to_owned(), ..release_writes(state) }
        }
        Side::Source => Plan {
            title: "Roll back: reads return to the source".to_owned(),
            summary: format!(
                "Writes never left {}; {} % of reads return to it. No client waits.",
                state.spec.source, state.route.reads_on_target
            ),
            steps: steps(Program::Reads, 0),
            stopwatch: false,
        },
    }
}

/// A share of reads to the target.
pub fn shift_reads(percent: u8, state: &State) -> Plan {
    Plan {
        title: format!("{} % → {percent} % of reads on the target", state.route.reads_on_target),
        summary: "Reads follow at the end of their transactions; no client waits.".to_owned(),
        steps: steps(Program::Reads, percent),
        stopwatch: false,
    }
}
