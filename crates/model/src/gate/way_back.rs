//! A live row flows target → source now.

use super::{Gate, Question, duration, goes_forward};
use crate::{UnixMs, verdict::Verdict};

pub(super) const GATE: Gate = Gate { name: "way_back", title: "Way back", guards: goes_forward, judge };

fn judge(q: &Question<'_>) -> (Verdict, Option<UnixMs>) {
    let stream = q.facts.stream_from(q.state.authority.other());
    let max_age = i64::from(q.state.limits().canary_max_age_ms);
    let Some((at, ms)) = stream.newest else {
        return (Verdict::unknown("no canary has come back from the target yet"), None);
    };
    let age = q.now - at;
    if age > max_age {
        return (Verdict::unknown(format!("last canary measured {} ago", duration(age / 1000))), None);
    }
    if ms > max_age as f64 {
        let why = format!("the canary is out since {:.1} s, limit {:.1} s", ms / 1000.0, max_age as f64 / 1000.0);
        return (
            Verdict::fail(why, "Look at the reverse subscription on the source and its slot on the target."),
            None,
        );
    }
    (Verdict::pass(format!("canary back in {:.2} s, {} ago", ms / 1000.0, duration(age / 1000))), None)
}
