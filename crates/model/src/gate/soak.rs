//! The present rung has held for its time, and nothing has gone wrong in it.

use super::{Gate, Question, duration, goes_forward, in_the_journal};
use crate::{UnixMs, figure, time::utc, verdict::Verdict};

pub(super) const GATE: Gate = Gate { name: "soak", title: "Soak", guards: goes_forward, judge, looked: in_the_journal };

fn judge(q: &Question<'_>) -> (Verdict, Option<UnixMs>) {
    let here = q.state.route.reads_on_target;
    if here == 0 {
        return (Verdict::pass("nothing to soak at 0 %"), None);
    }
    let soak = &q.state.soak;
    if let Some(broken) = &soak.broken {
        let why = format!("broken at {} by {}: {}", utc(broken.at), broken.title, broken.why);
        return (Verdict::fail(why, "It begins anew once that is well again; or go back a rung."), None);
    }
    let needed = i64::from(q.state.soak_s());
    let held = (q.now - soak.since) / 1000;
    if held >= needed {
        return (Verdict::pass(format!("{here} % held {}, needed {}", figure::held(held), figure::span(needed))), None);
    }
    let anew = if soak.since > q.state.route_since { ", begun anew" } else { "" };
    let why = format!("{} left of {}{anew}", duration(needed - held), figure::span(needed));
    (Verdict::fail(why, "Wait: it opens by itself."), Some(soak.since + needed * 1000))
}
