//! The source has been receive-only long enough for Cleanup.

use super::{Gate, Question, duration, in_the_journal};
use crate::{Command, Side, UnixMs, figure, state::State, verdict::Verdict};

pub(super) const GATE: Gate =
    Gate { name: "receive_only", title: "Receive-only", guards, judge, looked: in_the_journal };

fn guards(command: &Command, state: &State) -> bool {
    matches!(command, Command::Cleanup { .. }) && state.authority == Side::Target
}

fn judge(q: &Question<'_>) -> (Verdict, Option<UnixMs>) {
    let needed = i64::from(q.state.limits().receive_only_s);
    let held = (q.now - q.state.authority_since) / 1000;
    if held >= needed {
        return (Verdict::pass(format!("the source has been receive-only for {}", figure::held(held))), None);
    }
    let opens_at = q.state.authority_since + needed * 1000;
    let why = format!("{} left of {}", duration(needed - held), figure::span(needed));
    (Verdict::fail(why, "Wait: until then the way back stays open."), Some(opens_at))
}
