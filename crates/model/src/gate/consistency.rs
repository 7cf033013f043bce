//! The newest validation passed and is fresh.

use super::{Gate, Question, duration, goes_forward};
use crate::{UnixMs, verdict::Verdict};

pub(super) const GATE: Gate = Gate { name: "consistency", title: "Consistency", guards: goes_forward, judge };

fn judge(q: &Question<'_>) -> (Verdict, Option<UnixMs>) {
    let Some(v) = &q.state.validation else {
        return (Verdict::unknown("never validated: run “Validate every table”"), None);
    };
    let age = (q.now - v.at) / 1000;
    if age > i64::from(q.state.limits().validation_max_age_s) {
        return (Verdict::unknown(format!("last validated {} ago: run it again", duration(age))), None);
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
    (Verdict::pass(format!("{} rows in {} tables equal, {} ago", v.rows(), v.tables.len(), duration(age))), None)
}
