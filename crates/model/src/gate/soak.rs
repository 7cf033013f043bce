//! The present rung has held for its time.

use super::{Gate, Question, duration, goes_forward, in_the_journal};
use crate::{UnixMs, figure, verdict::Verdict};

pub(super) const GATE: Gate = Gate { name: "soak", title: "Soak", guards: goes_forward, judge, looked: in_the_journal };

fn judge(q: &Question<'_>) -> (Verdict, Option<UnixMs>) {
    let here = q.state.route.reads_on_target;
    if here == 0 {
        return (Verdict::pass("nothing to soak at 0 %"), None);
    }
    let needed = i64::from(q.state.soak_s());
    let held = (q.now - q.state.route_since) / 1000;
    if held >= needed {
        return (Verdict::pass(format!("{here} % held {}, needed {}", figure::held(held), figure::span(needed))), None);
    }
    let opens_at = q.state.route_since + needed * 1000;
    (
        Verdict::fail(
            format!("{} left of {}", duration(needed - held), figure::span(needed)),
            "Wait: it opens by itself.",
        ),
        Some(opens_at),
    )
}
