//! Lag below its limit, without a break, for the required time.

use super::{Gate, Question, duration, goes_forward};
use crate::{UnixMs, lag::GAP_MS, verdict::Verdict};

pub(super) const GATE: Gate = Gate { name: "lag", title: "Lag", guards: goes_forward, judge };

fn judge(q: &Question<'_>) -> (Verdict, Option<UnixMs>) {
    let stream = q.facts.stream_from(q.state.authority);
    let limits = q.state.limits();
    let limit = f64::from(limits.lag_limit_ms);
    let Some((at, ms)) = stream.newest else {
        return (Verdict::unknown("no beat has been seen yet"), None);
    };
    if q.now - at > GAP_MS {
        return (Verdict::unknown(format!("last measured {} ago", duration((q.now - at) / 1000))), None);
    }
    if ms > limit {
        let why = format!("{:.2} s, limit {:.2} s", ms / 1000.0, limit / 1000.0);
        return (Verdict::fail(why, "Wait for the target to catch up, or find what slows its apply worker."), None);
    }
    let since = stream.within_since.unwrap_or(at);
    let held = (q.now - since) / 1000;
    let needed = i64::from(limits.lag_hold_s);
    let figure = format!("{:.2} s, limit {:.2} s, held {}", ms / 1000.0, limit / 1000.0, duration(held));
    if held >= needed {
        (Verdict::pass(figure), None)
    } else {
        let opens_at = since + needed * 1000;
        (Verdict::fail(format!("{figure} of {}", duration(needed)), "Wait: it opens by itself."), Some(opens_at))
    }
}
