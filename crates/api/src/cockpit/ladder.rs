//! The ladder: the rungs of reads, then writes, then receive-only.

use switchyard_model::{Side, figure, gate::duration};

use super::Seen;
use crate::dto::*;

pub(super) fn cards(seen: &Seen<'_>) -> Vec<RungCard> {
    let state = seen.state;
    let here = state.route.reads_on_target;
    let on_target = state.authority == Side::Target;
    let mut cards: Vec<RungCard> = state
        .ladder()
        .iter()
        .map(|rung| {
            let soak = figure::span(i64::from(rung.soak_s));
            let (state_of, detail) = if on_target || rung.percent < here {
                (PhaseState::Done, soak)
            } else if rung.percent == here {
                let held = (seen.now - state.soak.since) / 1000;
                (
                    PhaseState::Now,
                    match &state.soak.broken {
                        Some(broken) => format!("broken: {}", broken.title),
                        None => format!("{} of {soak}", duration(held.min(i64::from(rung.soak_s)))),
                    },
                )
            } else {
                (PhaseState::Later, soak)
            };
            RungCard { label: format!("{} %", rung.percent), detail, state: state_of }
        })
        .collect();
    cards.push(writes(seen, on_target));
    cards.push(receive_only(seen, on_target));
    cards
}

fn writes(seen: &Seen<'_>, on_target: bool) -> RungCard {
    let (state, detail) = match (&seen.state.last_forward, on_target) {
        (Some((_, watch)), true) => (PhaseState::Done, format!("paused {:.0} ms", watch.write_pause_ms)),
        (None, true) => (PhaseState::Done, "moved".to_owned()),
        (_, false) => {
            (PhaseState::Later, format!("pause ≤ {}", figure::limit(f64::from(seen.state.limits().hold_deadline_ms))))
        }
    };
    let by_percent = seen.state.spec.strategy.moves_reads_by_percent();
    let label = if by_percent { "Writes" } else { "Reads and writes" };
    RungCard { label: label.to_owned(), detail, state }
}

fn receive_only(seen: &Seen<'_>, on_target: bool) -> RungCard {
    let whole = i64::from(seen.state.limits().receive_only_s);
    let held = (seen.now - seen.state.authority_since) / 1000;
    let (state, detail) = if seen.state.milestones.cleaned.is_some() {
        (PhaseState::Done, "ended by Cleanup".to_owned())
    } else if on_target {
        (PhaseState::Now, format!("{} of {}", duration(held.min(whole)), figure::span(whole)))
    } else {
        (PhaseState::Later, figure::span(whole))
    };
    RungCard { label: "Receive-only".to_owned(), detail, state }
}
