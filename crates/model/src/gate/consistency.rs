//! Both sides are proven equal, and the proof is fresh: by the newest validation, or by the comparison in the background,
//! which verifies changes as they come. A row that is known to differ closes the gate whatever its age.

use super::{ConsistencyFacts, Gate, Looked, Question, goes_forward, outdated};
use crate::{UnixMs, figure, verdict::Verdict};

pub(super) const GATE: Gate = Gate { name: "consistency", title: "Consistency", guards: goes_forward, judge, looked };

const MEND: &str = "Open the Consistency page, see what differs, and repair it; then validate again.";

fn limit_ms(q: &Question<'_>) -> i64 {
    i64::from(q.state.limits().validation_max_age_s) * 1000
}

/// What the background knows, where it proves all tables equal and that still counts.
fn proven(q: &Question<'_>) -> Option<(ConsistencyFacts, UnixMs)> {
    let facts = q.facts.consistency?;
    let holds_at = facts.holds_at?;
    let all = facts.tables > 0 && facts.different == 0 && facts.unproven == 0;
    (all && outdated("last verified", holds_at, q.now, limit_ms(q)).is_none()).then_some((facts, holds_at))
}

fn looked(q: &Question<'_>) -> Looked {
    let validated = q.state.validation.as_ref().map(|v| v.at);
    let at = validated.max(proven(q).map(|(_, at)| at));
    Looked { at, counts_ms: Some(limit_ms(q)) }
}

fn judge(q: &Question<'_>) -> (Verdict, Option<UnixMs>) {
    if let Some(known) = q.facts.consistency.filter(|c| c.different > 0) {
        let rows = if known.findings == 1 { "row differs" } else { "rows differ" };
        let why =
            format!("{} {rows}, in {} of {} tables", figure::count(known.findings), known.different, known.tables);
        return (Verdict::fail(why, MEND), None);
    }
    if let Some((known, _)) = proven(q) {
        let why =
            format!("{} rows in {} tables equal, changes verified since", figure::count(known.rows), known.tables);
        return (Verdict::pass(why), None);
    }
    validated(q)
}

/// By the newest validation alone.
fn validated(q: &Question<'_>) -> (Verdict, Option<UnixMs>) {
    let Some(v) = &q.state.validation else {
        return (Verdict::unknown("never validated: run “Validate every table”"), None);
    };
    if let Some(why) = outdated("last validated", v.at, q.now, limit_ms(q)) {
        return (Verdict::unknown(format!("{why}; run it again")), None);
    }
    if v.findings() > 0 {
        let why = format!("{} of {} tables differ", v.findings(), v.tables.len());
        return (Verdict::fail(why, MEND), None);
    }
    if v.unproven() > 0 {
        return (Verdict::unknown(format!("{} of {} tables are unproven", v.unproven(), v.tables.len())), None);
    }
    if v.tables.is_empty() {
        return (Verdict::unknown("the last pass compared no table"), None);
    }
    (Verdict::pass(format!("{} rows in {} tables equal", figure::count(v.rows()), v.tables.len())), None)
}
