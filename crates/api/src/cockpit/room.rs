//! Checks on what is left on both servers, and on what would delay the fence; and the soak.

use switchyard_model::{Command, Side, check::Check, figure, phase::Phase, verdict::Verdict};

use super::{
    Seen,
    checklists::{from_gate, gate_check},
};
use crate::dto::*;

/// All three. Once writes are on the target nothing goes forward that they would guard.
pub(super) fn checks(seen: &Seen<'_>) -> Vec<Check> {
    let limits = seen.state.limits();
    let connections =
        format!("{} % of the target's connections stay free after the step", limits.connections_headroom_percent);
    let transactions = format!(
        "No transaction with locks in scope is older than {}",
        figure::span(i64::from(limits.transaction_max_s))
    );
    [
        ("cutover.connections", "connections", connections),
        ("cutover.slots", "slots", "The servers keep the log that the streams need".to_owned()),
        ("cutover.transactions", "transactions", transactions),
    ]
    .into_iter()
    .map(|(id, gate, title)| check(seen, id, gate, title))
    .collect()
}

fn check(seen: &Seen<'_>, id: &str, gate: &str, title: String) -> Check {
    let phase = Phase::TrafficCutover;
    if seen.state.authority == Side::Target {
        let since = Some(seen.state.authority_since);
        return Check::computed(id, phase, title, Verdict::pass("it held until writes moved"), since);
    }
    let judged = match gate {
        // It guards the switch alone, and is worth a look long before.
        "transactions" => gate_check(seen, &Command::SwitchWrites, phase, gate, title),
        _ => from_gate(seen, phase, gate, title),
    };
    Check { id: id.to_owned(), ..judged }
}

/// How the present rung soaks; None where none does.
pub(super) fn soak(seen: &Seen<'_>) -> Option<SoakCard> {
    let state = seen.state;
    let rung = state.authority == Side::Source && state.route.reads_on_target > 0;
    let broken =
        state.soak.broken.as_ref().map(|b| BrokenSoakCard { at: b.at, title: b.title.clone(), why: b.why.clone() });
    rung.then(|| SoakCard {
        since: state.soak.since,
        anew: state.soak.since > state.route_since,
        step_back: state.previous_rung().filter(|_| state.limits().step_back),
        broken,
    })
}
