//! What is kept of a run, and the check that follows from it.

use switchyard_model::{UnixMs, check::Check, figure, phase::Phase, state::State, verdict::Verdict};
use switchyard_shadow::Report;

use crate::dto::*;

/// Name of the summary in the store.
pub(crate) const KEPT: &str = "shadow";

/// With fewer comparisons nothing is said.
const ENOUGH: u64 = 100;

pub(super) fn summary(begun: UnixMs, ended: UnixMs, report: &Report) -> ShadowSummary {
    ShadowSummary {
        begun,
        ended,
        compared: report.compared,
        unproven: report.unproven,
        findings: report.found(),
        skipped: report.skipped.iter().map(|s| s.times).sum(),
        statements: report.statements,
        covered: report.covered,
    }
}

/// Whether the newest run says that reads may move.
pub(crate) fn check(state: &State, last: Option<&ShadowSummary>, now: UnixMs) -> Check {
    let (id, phase, title) = ("validation.shadow", Phase::Validation, "Shadow reads compared");
    let Some(last) = last else {
        let missing = "run them on the Queries page, or with “switchyardctl shadow run”";
        return Check::computed(id, phase, title, Verdict::unknown(missing), None);
    };
    let limit = i64::from(state.limits().validation_max_age_s);
    let age = (now - last.ended) / 1000;
    let count = |n: u64| figure::count(i64::try_from(n).unwrap_or(i64::MAX));
    let told = format!("{} compared, {} of {} statements", count(last.compared), last.covered, last.statements);
    let verdict = if last.findings > 0 {
        Verdict::fail(format!("{} statements differ", last.findings), "See them on the Queries page, and run it again.")
    } else if last.compared < ENOUGH {
        Verdict::unknown(format!("{told}; at least {ENOUGH} comparisons are needed"))
    } else if last.unproven > 0 {
        Verdict::unknown(format!("{told}; {} that differed could not be looked at again", last.unproven))
    } else if age > limit {
        Verdict::unknown(format!("{told}; older than {}", figure::span(limit)))
    } else {
        Verdict::pass(told)
    };
    Check::computed(id, phase, title, verdict, Some(last.ended))
}
