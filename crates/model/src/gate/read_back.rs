//! The routers say what they were last told.

use super::{Gate, Looked, Question, goes_forward, outdated};
use crate::{UnixMs, verdict::Verdict};

/// Age beyond which the routers' word no longer counts, ms; they are asked every two seconds.
const MAX_AGE_MS: i64 = 10_000;

pub(super) const GATE: Gate = Gate { name: "read_back", title: "Route", guards: goes_forward, judge, looked };

fn looked(q: &Question<'_>) -> Looked {
    Looked { at: q.facts.route.as_ref().map(|seen| seen.at), counts_ms: Some(MAX_AGE_MS) }
}

fn judge(q: &Question<'_>) -> (Verdict, Option<UnixMs>) {
    let Some(seen) = &q.facts.route else {
        return (Verdict::unknown("the routers have not been asked yet"), None);
    };
    if let Some(why) = outdated("the routers last answered", seen.at, q.now, MAX_AGE_MS) {
        return (Verdict::unknown(why), None);
    }
    let verdict = match &seen.route {
        Err(why) => Verdict::fail(why.clone(), "Bring the routers back to one route, by hand or with “Roll back”."),
        Ok(_) if seen.holding => Verdict::fail("a router is holding clients", "RESUME it, or let recovery do so."),
        Ok(route) if *route == q.state.route => {
            Verdict::pass(format!("reads {} % on target, writes on {}", route.reads_on_target, route.writes))
        }
        // What they said before the change says nothing against it.
        Ok(_) if seen.at < q.state.route_since => {
            Verdict::unknown("the routers have not been asked since the route was changed")
        }
        Ok(route) => Verdict::fail(
            format!("asked for {}, read back {route}", q.state.route),
            "Somebody changed a router by hand: shift to the present rung again, or roll back.",
        ),
    };
    (verdict, None)
}
