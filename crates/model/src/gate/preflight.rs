//! Nothing that the preflight found would break the migration.

use super::{Gate, Looked, Question, duration};
use crate::{Command, UnixMs, state::State, verdict::Verdict};

pub(super) const GATE: Gate = Gate { name: "preflight", title: "Preflight", guards, judge, looked };

fn guards(command: &Command, _: &State) -> bool {
    matches!(command, Command::Prepare | Command::Replicate)
}

fn looked(q: &Question<'_>) -> Looked {
    Looked { at: q.facts.analysis.as_ref().map(|a| a.at), counts_ms: None }
}

fn judge(q: &Question<'_>) -> (Verdict, Option<UnixMs>) {
    let Some(found) = &q.facts.analysis else {
        return (Verdict::unknown("both sides have not been analyzed yet"), None);
    };
    let verdict = match found.failed.as_slice() {
        [] if found.unknown > 0 => Verdict::unknown(format!("{} checks could not be answered", found.unknown)),
        [] => Verdict::pass(format!("nothing stands in the way, looked {} ago", duration((q.now - found.at) / 1000))),
        [one] => Verdict::fail(&one.what, format!("{} Then analyze again.", one.remedy)),
        [first, rest @ ..] => Verdict::fail(
            format!("{} And {} more.", first.what, rest.len()),
            format!("{} Follow the other checks' remedies too, then analyze again.", first.remedy),
        ),
    };
    (verdict, None)
}
