//! Nothing that the preflight found would break the migration.

use super::{Gate, Question, duration};
use crate::{Command, UnixMs, state::State, verdict::Verdict};

pub(super) const GATE: Gate = Gate { name: "preflight", title: "Preflight", guards, judge };

fn guards(command: &Command, _: &State) -> bool {
    matches!(command, Command::Prepare | Command::Replicate)
}

fn judge(q: &Question<'_>) -> (Verdict, Option<UnixMs>) {
    let Some(found) = &q.facts.analysis else {
        return (Verdict::unknown("both sides have not been analyzed yet"), None);
    };
    let verdict = match found.failed.as_slice() {
        [] if found.unknown > 0 => Verdict::unknown(format!("{} checks could not be answered", found.unknown)),
        [] => Verdict::pass(format!("nothing stands in the way, looked {} ago", duration((q.now - found.at) / 1000))),
        [one] => Verdict::fail(one.clone(), "Follow the remedy of the check, then analyze again."),
        [first, rest @ ..] => Verdict::fail(
            format!("{first} And {} more.", rest.len()),
            "Follow the remedies of the checks, then analyze again.",
        ),
    };
    (verdict, None)
}
