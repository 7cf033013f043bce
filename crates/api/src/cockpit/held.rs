//! The hold of the offline strategy: since when writes are refused, for how long, and the checks on it.

use switchyard_model::{
    Command, Side, check::Check, figure, gate::duration, hold::Standing, phase::Phase, state::State, verdict::Verdict,
};

use super::{Seen, freshness::LOOKED_MS};
use crate::dto::*;

/// What the screen shows while writes are held.
pub(super) fn card(seen: &Seen<'_>) -> Option<HeldCard> {
    let (held, how_long) = (seen.state.held.as_ref()?, seen.state.held_for(seen.now)?);
    // What was seen long ago, when somebody drove, says nothing about now.
    let seen = seen
        .snapshot
        .facts
        .hold
        .as_ref()
        .filter(|f| seen.now - f.at <= LOOKED_MS)
        .map(|f| HeldSeen { at: f.at, refuses: matches!(f.standing, Ok(Standing::Held)) });
    Some(HeldCard { since: held.since, by: held.by.clone(), how_long, seen })
}

/// The source refuses writes although the journal knows of no hold: a commit that came after it was given up.
pub(super) fn is_stray(seen: &Seen<'_>) -> bool {
    let refuses = seen.snapshot.facts.hold.as_ref().is_some_and(|f| matches!(f.standing, Ok(Standing::Held)));
    refuses && seen.state.held.is_none() && seen.state.open_run.is_none()
}

/// One line: how far the move is while nobody writes.
pub(super) fn headline(state: &State) -> String {
    let far = match (state.milestones.replicating, &state.validation) {
        (None, _) => "nothing copied yet",
        (Some(_), None) => "copied",
        (Some(_), Some(_)) => "copied and validated",
    };
    format!("Writes held · {far}")
}

/// The checks of a strategy that holds writes; none for the others.
pub(super) fn checks(seen: &Seen<'_>, phase: Phase) -> Vec<Check> {
    if !seen.state.spec.strategy.holds_writes() {
        return Vec::new();
    }
    if seen.state.authority == Side::Target {
        let verdict = Verdict::pass("until the switch; the source refuses them for good now");
        let at = Some(seen.state.authority_since);
        return vec![Check::computed("gate.hold", phase, "Writes were held on the source", verdict, at)];
    }
    let gate =
        super::checklists::gate_check(seen, &Command::SwitchWrites, phase, "hold", "Writes are held on the source");
    vec![gate, within(seen, phase)]
}

/// A window that is longer than agreed is worth a warning, and shuts no gate.
fn within(seen: &Seen<'_>, phase: Phase) -> Check {
    let limit = i64::from(seen.state.limits().held_max_s);
    let title = format!("Held for no longer than {}", figure::span(limit));
    let verdict = match seen.state.held_for(seen.now) {
        None => Verdict::unknown("writes go on"),
        Some(held) if held.overdue => Verdict::fail(
            format!("held for {}", duration(held.seconds)),
            "Finish the switch, or let writes go on with “Release writes”: nothing is lost by it.",
        ),
        Some(held) => Verdict::pass(format!("{} so far", duration(held.seconds))),
    };
    Check::computed("hold.limit", phase, title, verdict, Some(seen.now))
}
