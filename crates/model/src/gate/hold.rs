//! Writes are held: the offline strategy copies and switches only while the source refuses writes. Both are asked, the
//! journal and the source itself.

use super::{Gate, Looked, Question, duration, outdated};
use crate::{Command, Side, UnixMs, figure, hold::Standing, state::State, verdict::Verdict};

/// Age beyond which the look at the fence no longer counts, ms; it is looked at every two seconds.
const MAX_AGE_MS: i64 = 10_000;

pub(super) const GATE: Gate = Gate { name: "hold", title: "Hold", guards, judge, looked };

const AGAIN: &str = "Run “Release writes”, then “Hold writes” again.";

/// Copy and switch of the offline strategy. The way back needs no hold.
fn guards(command: &Command, state: &State) -> bool {
    let needs = match command {
        Command::Replicate | Command::SwitchWrites => true,
        Command::Analyze
        | Command::Prepare
        | Command::Hold
        | Command::Release
        | Command::Validate
        | Command::Repair { .. }
        | Command::ShiftReads { .. }
        | Command::RollBack
        | Command::Cleanup { .. } => false,
    };
    needs && state.spec.strategy.holds_writes() && state.authority == Side::Source
}

fn looked(q: &Question<'_>) -> Looked {
    Looked { at: q.facts.hold.as_ref().map(|seen| seen.at), counts_ms: Some(MAX_AGE_MS) }
}

fn judge(q: &Question<'_>) -> (Verdict, Option<UnixMs>) {
    (verdict(q), None)
}

fn verdict(q: &Question<'_>) -> Verdict {
    let Some(held) = q.state.held_for(q.now) else {
        return match q.facts.hold.as_ref().map(|seen| &seen.standing) {
            Some(Ok(Standing::Held | Standing::Moved)) => Verdict::fail(
                "the source refuses writes, and the journal knows of no hold",
                "Run “Release writes” first.",
            ),
            Some(Ok(Standing::Down) | Err(_)) | None => {
                Verdict::fail("the source accepts writes", "Run “Hold writes” first.")
            }
        };
    };
    let Some(seen) = &q.facts.hold else {
        return Verdict::unknown("the source's fence has not been looked at yet");
    };
    if let Some(why) = outdated("the source's fence was last seen", seen.at, q.now, MAX_AGE_MS) {
        return Verdict::unknown(why);
    }
    match &seen.standing {
        Ok(Standing::Held) => {
            let limit = figure::span(i64::from(held.limit_s));
            let than = if held.overdue { "longer than the limit of" } else { "limit" };
            Verdict::pass(format!("writes refused on the source for {}, {than} {limit}", duration(held.seconds)))
        }
        Ok(Standing::Down) => {
            Verdict::fail("the journal says that writes are held, and the source accepts them", AGAIN)
        }
        Ok(Standing::Moved) => Verdict::fail("the source refuses writes as if they had moved to the target", AGAIN),
        Err(why) => Verdict::fail(why.clone(), AGAIN),
    }
}
