//! The way back was rehearsed on this pair, and not too long ago. Guards what goes beyond a drill: writes, and more reads than
//! a drill moves.

use super::{Gate, Looked, Question, duration, goes_forward};
use crate::{Command, UnixMs, figure, state::State, verdict::Verdict};

pub(super) const GATE: Gate = Gate { name: "drill", title: "Rollback drill", guards, judge, looked };

fn guards(command: &Command, state: &State) -> bool {
    // Where reads do not move alone, writes are what is rehearsed: a drill of them has to be able to begin.
    let asked = state.limits().drill_max_age_s > 0 && state.spec.strategy.moves_reads_by_percent();
    let rehearsable = matches!(command, Command::ShiftReads { percent } if *percent <= state.rehearsed_percent());
    asked && goes_forward(command, state) && !rehearsable
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
    if let Some(last) = q.state.last_rehearsal().filter(|d| d.passed_at().is_none()) {
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

#[cfg(test)]
mod tests {
    use super::{super::tests, *};
    use crate::{
        drill::{Act, DrillOrder, DrillRecord, Failure, LedgerCheck, Measured},
        gate::Facts,
    };

    /// A drill that ended then: rehearsed to its end in this time, or refused before its failure.
    fn drill(at: UnixMs, whole_ms: Option<f64>) -> DrillRecord {
        let order = DrillOrder { failure: Failure::TargetDown, act: Act::Writes, canary: "app".into(), goal_ms: 5_000 };
        let measured = Measured {
            noticed: whole_ms.map(|_| (1.0, "Lag".to_owned())),
            decided_ms: whole_ms.map(|_| 2.0),
            routed_back_ms: whole_ms,
            ledger: LedgerCheck { acknowledged: 9, ..LedgerCheck::default() },
            ..Measured::default()
        };
        let result = measured.judge(&order);
        DrillRecord { id: at, asked: at, by: "ann".into(), order, began: Some(at), ended: Some((at, result)) }
    }

    fn judged(drills: Vec<DrillRecord>, now: UnixMs) -> Verdict {
        let state = State { drills, ..tests::state() };
        tests::ask(&state, &Facts::default(), now, "drill").verdict
    }

    #[test]
    fn the_newest_rehearsal_counts_while_it_is_young_and_a_refusal_says_nothing() {
        const DAY: UnixMs = 86_400_000;
        assert!(matches!(judged(vec![], DAY), Verdict::Unknown { .. }), "nobody knows");
        assert!(judged(vec![drill(1, Some(900.0))], DAY).opens());
        assert!(matches!(judged(vec![drill(1, Some(900.0))], 31 * DAY), Verdict::Fail { .. }), "it is too old");
        let slow = judged(vec![drill(1, Some(900.0)), drill(2, Some(9_000.0))], DAY);
        assert!(matches!(slow, Verdict::Fail { .. }), "the newest one took too long: {slow:?}");
        let refused = judged(vec![drill(1, Some(900.0)), drill(2, None)], DAY);
        assert!(refused.opens(), "one that was refused before its failure leaves the one before: {refused:?}");
    }

    #[test]
    fn what_a_drill_moves_itself_needs_none() {
        let state = tests::state();
        let asked = |percent| guards(&Command::ShiftReads { percent }, &state);
        assert!(!asked(10) && asked(25), "the ladder is open up to what is rehearsed");
        assert!(guards(&Command::SwitchWrites, &state) && !guards(&Command::RollBack, &state));
    }
}
