//! A live row flows target → source now.

use super::{Gate, Looked, Question, goes_forward, outdated};
use crate::{UnixMs, figure, verdict::Verdict};

pub(super) const GATE: Gate = Gate { name: "way_back", title: "Way back", guards: goes_forward, judge, looked };

fn looked(q: &Question<'_>) -> Looked {
    let stream = q.facts.stream_from(q.state.authority.other());
    let counts_ms = Some(i64::from(q.state.limits().canary_max_age_ms));
    Looked { at: stream.newest.map(|(at, _)| at), counts_ms }
}

fn judge(q: &Question<'_>) -> (Verdict, Option<UnixMs>) {
    let stream = q.facts.stream_from(q.state.authority.other());
    let max_age = i64::from(q.state.limits().canary_max_age_ms);
    let Some((at, ms)) = stream.newest else {
        return (Verdict::unknown("no canary has come back from the target yet"), None);
    };
    if let Some(why) = outdated("last canary measured", at, q.now, max_age) {
        return (Verdict::unknown(why), None);
    }
    if ms > max_age as f64 {
        let why = format!("the canary is out since {:.1} s, limit {:.1} s", ms / 1000.0, max_age as f64 / 1000.0);
        return (
            Verdict::fail(why, "Look at the reverse subscription on the source and its slot on the target."),
            None,
        );
    }
    (Verdict::pass(format!("back in {}, limit {}", figure::lag_in_steps(ms), figure::limit(max_age as f64))), None)
}
