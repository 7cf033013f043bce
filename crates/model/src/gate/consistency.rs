//! The newest validation passed and is fresh.

use super::{Gate, Looked, Question, goes_forward, outdated};
use crate::{UnixMs, figure, verdict::Verdict};

pub(super) const GATE: Gate = Gate { name: "consistency", title: "Consistency", guards: goes_forward, judge, looked };

fn looked(q: &Question<'_>) -> Looked {
    let counts_ms = Some(i64::from(q.state.limits().validation_max_age_s) * 1000);
    Looked { at: q.state.validation.as_ref().map(|v| v.at), counts_ms }
}

fn judge(q: &Question<'_>) -> (Verdict, Option<UnixMs>) {
    let Some(v) = &q.state.validation else {
        return (Verdict::unknown("never validated: run “Validate every table”"), None);
    };
    let limit_ms = i64::from(q.state.limits().validation_max_age_s) * 1000;
    if let Some(why) = outdated("last validated", v.at, q.now, limit_ms) {
        return (Verdict::unknown(format!("{why}; run it again")), None);
    }
    if v.findings() > 0 {
        let why = format!("{} of {} tables differ", v.findings(), v.tables.len());
        return (
            Verdict::fail(why, "Open the Consistency page, mend the tables that differ, and validate again."),
            None,
        );
    }
    if v.unproven() > 0 {
        return (Verdict::unknown(format!("{} of {} tables are unproven", v.unproven(), v.tables.len())), None);
    }
    if v.tables.is_empty() {
        return (Verdict::unknown("the last pass compared no table"), None);
    }
    (Verdict::pass(format!("{} rows in {} tables equal", figure::count(v.rows()), v.tables.len())), None)
}
