//! The offline strategy's hold: the source refuses writes by agreement, from before the copy until the switch; and its
//! release.

use switchyard_model::{hold::HoldStep, machine::Program, state::State};

use super::{guard_hold::GuardHold, hold::Hold, refuse_writes::RefuseWrites, resume::Resume};
use crate::saga::{Plan, Step};

pub(super) fn make(step: HoldStep) -> Box<dyn Step> {
    match step {
        HoldStep::Guard => Box::new(GuardHold),
        HoldStep::Pause => Box::new(Hold),
        HoldStep::Refuse => Box::new(RefuseWrites),
        HoldStep::Resume => Box::new(Resume),
    }
}

/// The source refuses writes from here on.
pub fn hold_writes(state: &State) -> Plan {
    Plan {
        title: "Hold writes on the source".to_owned(),
        summary: format!(
            "Clients wait at the poolers until what they had begun is through, then {} refuses writes with a sentence and goes on \
             answering reads, until the switch or “Release writes”. It goes on refusing when this machine dies.",
            state.spec.source
        ),
        steps: super::steps(Program::Hold, 0),
        stopwatch: true,
    }
}

/// Writes at the source go on.
pub fn release_writes(state: &State) -> Plan {
    let then = match state.milestones.replicating {
        Some(_) => "What was copied stays: the stream carries over what is written from here on.",
        None => "Nothing was copied, and nothing has to be taken back.",
    };
    Plan {
        title: "Release writes".to_owned(),
        summary: format!("{} accepts writes again. {then}", state.spec.source),
        steps: super::steps(Program::Release, 0),
        stopwatch: false,
    }
}
