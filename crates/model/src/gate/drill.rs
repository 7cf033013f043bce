//! The way back was rehearsed on this pair, and not too long ago. Guards what goes beyond a drill: writes, and more reads than
//! a drill moves.

use super::{Gate, Looked, Question, duration};
use crate::{Command, UnixMs, figure, state::State, verdict::Verdict};

pub(super) const GATE: Gate = Gate { name: "drill", title: "Rollback drill", guards, judge, looked };

fn guards(command: &Command, state: &State) -> bool {
    if state.limits().drill_max_age_s == 0 {
        return false;
    }
    match command {
        Command::ShiftReads { percent } => {
            *percent > state.route.reads_on_target && *percent > state.rehearsed_percent()
        }
        // Where reads do not move alone, writes are what is rehearsed: a drill of them has to be able to begin.
        Command::SwitchWrites => state.spec.strategy.moves_reads_by_percent(),
        Command::Analyze
        | Command::Prepare
        | Command::Hold
        | Command::Release
        | Command::Replicate
        | Command::Validate
        | Command::Repair { .. }
        | Command::RollBack
        | Command::Cleanup { .. } => false,
    }
}

fn limit_ms(q: &Question<'_>) -> i64 {
    i64::from(q.state.limits().drill_max_age_s) * 1000
}

fn looked(q: &Question<'_>) -> Looked {
    Looked { at: q.state.drill_passed_at(), counts_ms: Some(limit_ms(q)) }
}

fn judge(q: &Question<'_>) -> (Verdict, Option<UnixMs>) {
    (verdict(q), None)
}

fn verdict(q: &Question<'_>) -> Verdict {
    const REMEDY: &str = "Run a drill from the Drills page, or with `switchyardctl drill run`.";
    let limit = figure::span(i64::from(q.state.limits().drill_max_age_s));
    let passed = q.state.drill_passed_at();
    if let Some(last) = q.state.last_drill().filter(|d| d.passed_at().is_none()) {
        let why = last.ended.as_ref().and_then(|(_, r)| r.why_not.first().cloned()).unwrap_or_default();
        return Verdict::fail(format!("the last drill, “{}”, failed: {why}", last.order.failure.title()), REMEDY);
    }
    match passed {
        None => Verdict::unknown("never tested: the way back is a hope; run a drill"),
        Some(at) if q.now - at > limit_ms(q) => {
            Verdict::fail(format!("last passed {} ago, limit {limit}", duration((q.now - at) / 1000)), REMEDY)
        }
        Some(at) => Verdict::pass(format!("passed {} ago, limit {limit}", duration((q.now - at) / 1000))),
    }
}
