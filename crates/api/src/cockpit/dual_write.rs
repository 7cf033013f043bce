//! Synchronous dual write on the main screen: the card of the one that stands, and the check that says what it cost.

use switchyard_engine::facts::DualWriteFact;
use switchyard_model::{
    check::Check,
    dual_write::{Cause, DualWriteRecord, Percentiles},
    figure::read_ms,
    migration::Strategy,
    phase::Phase,
    state::State,
    verdict::Verdict,
};

use super::Seen;
use crate::dto::*;

/// For how long a look counts, ms; it is looked five times a second, and published each.
const COUNTS_MS: i64 = 4_000;

/// The one that is asked for or stands.
pub(crate) fn card(state: &State, seen: Option<&DualWriteFact>) -> Option<DualWriteCard> {
    let open = state.open_dual_write()?;
    Some(DualWriteCard {
        dual: open.id,
        whose: open.order.scope.words(),
        by: open.by.clone(),
        since: open.stands.as_ref().map(|(at, _)| *at),
        budget_ms: open.order.budget_ms(),
        before: open.began.as_ref().map(|(_, before, _)| *before),
        now: seen.filter(|s| s.dual == open.id).map(|s| DualWriteNow {
            at: s.at,
            counts_ms: COUNTS_MS,
            during: s.during,
            waiting: s.waiting,
            others_waiting: s.others_waiting,
            not_yet: s.not_yet,
        }),
    })
}

/// What it costs, or last cost; None where the strategy has no use for it.
pub(super) fn check(seen: &Seen<'_>) -> Option<Check> {
    if seen.state.spec.strategy != Strategy::Live {
        return None;
    }
    let now = card(seen.state, seen.snapshot.dual_write.as_ref()).and_then(|c| Some((c.before?, c.now?)));
    let measured =
        seen.state.dual_writes.iter().rev().find(|d| d.ended.as_ref().is_some_and(|(_, e)| e.during.is_some()));
    let title = "Synchronous dual write measured";
    let made = |verdict, at| Check::computed("dual.sync", Phase::DualWrite, title, verdict, at);
    Some(match (now, measured, seen.state.dual_writes.last()) {
        (Some((before, now)), _, _) if now.during.is_some() => {
            let cost = now.during.map_or_else(String::new, |during| cost(before, during));
            made(Verdict::pass(format!("on: {cost}")), Some(now.at)).counting_for(COUNTS_MS)
        }
        (_, Some(d), _) => made(of_ended(d), d.ended.as_ref().map(|(at, _)| *at)),
        (_, None, Some(DualWriteRecord { ended: Some((at, end)), .. })) => {
            made(Verdict::unknown(end.why.trim_end_matches('.').to_owned()), Some(*at))
        }
        (_, None, _) => {
            made(Verdict::unknown("never turned on: the stream is asynchronous, and that is enough to move"), None)
        }
    })
}

fn of_ended(d: &DualWriteRecord) -> Verdict {
    let (Some((_, before, _)), Some((_, end))) = (&d.began, &d.ended) else { return Verdict::unknown("not measured") };
    let cost = end.during.map_or_else(String::new, |during| cost(*before, during));
    match end.cause {
        Cause::Budget => Verdict::fail(
            format!("{} {cost}", end.why),
            "Leave the stream asynchronous, give it a larger budget, or bring the target nearer.",
        ),
        cause => Verdict::pass(format!("{cost}; off: {}", cause.title())),
    }
}

/// `+0.23 ms at P50, +0.41 ms at P99 (0.20 → 0.43 ms, 0.39 → 0.80 ms) of 600 writes`
fn cost(before: Percentiles, during: Percentiles) -> String {
    format!(
        "{:+.2} ms at P50, {:+.2} ms at P99 ({} → {}, {} → {}) of {} writes",
        during.p50_ms - before.p50_ms,
        during.p99_ms - before.p99_ms,
        read_ms(before.p50_ms),
        read_ms(during.p50_ms),
        read_ms(before.p99_ms),
        read_ms(during.p99_ms),
        during.samples
    )
}
