//! Runs and their steps.

use switchyard_engine::phases;
use switchyard_model::state::{Run, StepState};

use super::Seen;
use crate::dto::*;

pub(super) fn card(run: &Run, seen: &Seen<'_>) -> RunCard {
    RunCard {
        run: run.id,
        command: run.command.clone(),
        label: run.command.label(),
        by: run.by.clone(),
        reason: run.reason.clone(),
        started: run.started,
        steps: run
            .steps
            .iter()
            .map(|s| RunStep {
                title: phases::step_title(&s.step).to_owned(),
                record: s.clone(),
                progress: if s.state == StepState::Running { seen.snapshot.progress.clone() } else { None },
            })
            .collect(),
        holding: run.ended.is_none() && super::is_holding(seen.state),
        holding_since: super::holding_since(seen.state).filter(|_| run.ended.is_none()),
        past_no_return: run.past_no_return,
        ended: run.ended.as_ref().map(|(at, outcome, summary)| RunEnd {
            at: *at,
            outcome: *outcome,
            summary: summary.clone(),
        }),
    }
}
