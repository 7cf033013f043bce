//! No table was altered since replication began, or both sides were altered alike.

use super::{Gate, Looked, Question, goes_forward, outdated};
use crate::{UnixMs, verdict::Verdict};

/// Age beyond which the catalogs' word no longer counts, ms; they are asked every five seconds.
const MAX_AGE_MS: i64 = 30_000;

pub(super) const GATE: Gate = Gate { name: "schema", title: "Schema", guards: goes_forward, judge, looked };

fn looked(q: &Question<'_>) -> Looked {
    Looked { at: q.facts.drift.as_ref().map(|d| d.at), counts_ms: Some(MAX_AGE_MS) }
}

fn judge(q: &Question<'_>) -> (Verdict, Option<UnixMs>) {
    let Some(seen) = &q.facts.drift else {
        return (Verdict::unknown("the tables have not been looked at since replication began"), None);
    };
    if let Some(why) = outdated("the tables were last looked at", seen.at, q.now, MAX_AGE_MS) {
        return (Verdict::unknown(why), None);
    }
    let remedy = "Make the same change on the other side, or take it back: it opens by itself.";
    let verdict = match seen.altered.as_slice() {
        [] => Verdict::pass(format!("{} tables as they were when replication began, or changed alike", seen.tables)),
        [one] => Verdict::fail(format!("{} {}", one.table, one.what), remedy),
        [first, rest @ ..] => {
            Verdict::fail(format!("{} {}, and {} more tables", first.table, first.what, rest.len()), remedy)
        }
    };
    (verdict, None)
}
