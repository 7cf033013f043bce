//! Lag below its limit, without a break, for the required time.

use super::{Gate, Looked, Question, duration, goes_forward, outdated};
use crate::{UnixMs, figure, lag::GAP_MS, verdict::Verdict};

pub(super) const GATE: Gate = Gate { name: "lag", title: "Lag", guards: goes_forward, judge, looked };

fn looked(q: &Question<'_>) -> Looked {
    let stream = q.facts.stream_from(q.state.authority);
    Looked { at: stream.newest.map(|(at, _)| at), counts_ms: Some(GAP_MS) }
}

fn judge(q: &Question<'_>) -> (Verdict, Option<UnixMs>) {
    let stream = q.facts.stream_from(q.state.authority);
    let limits = q.state.limits();
    let limit = f64::from(limits.lag_limit_ms);
    let Some((at, ms)) = stream.newest else {
        return (Verdict::unknown("no beat has been seen yet"), None);
    };
    if let Some(why) = outdated("last measured", at, q.now, GAP_MS) {
        return (Verdict::unknown(why), None);
    }
    if ms > limit {
        let why = format!("{}, limit {}", figure::lag(ms), figure::limit(limit));
        return (Verdict::fail(why, "Wait for the target to catch up, or find what slows its apply worker."), None);
    }
    let since = stream.within_since.unwrap_or(at);
    let held = (q.now - since) / 1000;
    // Nobody writes while writes are held, so there is no load under which the lag would have to prove itself.
    let needed = if q.state.held.is_some() { 0 } else { i64::from(limits.lag_hold_s) };
    let now = format!("{}, limit {}", figure::lag_in_steps(ms), figure::limit(limit));
    if held >= needed {
        (Verdict::pass(format!("{now}, held {}", figure::held(held))), None)
    } else {
        let opens_at = since + needed * 1000;
        (
            Verdict::fail(
                format!("{now}, held {} of {}", duration(held), figure::span(needed)),
                "Wait: it opens by itself.",
            ),
            Some(opens_at),
        )
    }
}
