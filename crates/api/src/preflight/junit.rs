//! A preflight as a JUnit report: one test per check, failed where it is as bad as was asked for.

use std::fmt::Write as _;

use switchyard_model::schema::Severity;

use super::{PreflightReport, Row, Word};
use crate::schema::junit::escape;

/// The whole answer. What could not be answered is an error; what is less bad than `level`, and what was accepted, is skipped.
pub fn render(report: &PreflightReport, level: Severity) -> String {
    let (failed, unknown) = (report.failed_at(level), report.unknown_at(level));
    let tests = report.checks.len();
    let skipped = tests - report.passed - failed - unknown;
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n<testsuite name=\"schema preflight\" tests=\"{tests}\" \
         failures=\"{failed}\" skipped=\"{skipped}\" errors=\"{unknown}\" time=\"{:.3}\">\n",
        report.read_seconds
    );
    for row in &report.checks {
        let name = escape(&format!("{}: {}", row.id, row.title));
        let _ = write!(out, "<testcase classname=\"{}\" name=\"{name}\">", escape(&row.side));
        out.push_str(&outcome(row, level));
        out.push_str("</testcase>\n");
    }
    out.push_str("</testsuite>\n</testsuites>\n");
    out
}

fn outcome(row: &Row, level: Severity) -> String {
    let (kind, message) = (row.severity.word(), escape(&row.why));
    let counts = row.open && row.severity <= level;
    match row.verdict {
        Word::Pass => String::new(),
        Word::Fail if counts => {
            let remedy = row.remedy.as_deref().unwrap_or_default();
            let text = escape(&format!("{}\n{remedy}", row.seen));
            format!("<failure type=\"{kind}\" message=\"{message}\">{text}</failure>")
        }
        Word::Unknown if counts => {
            format!("<error type=\"{kind}\" message=\"{message}\">{}</error>", escape(&row.seen))
        }
        Word::Fail | Word::Unknown => {
            let why = if row.open { row.severity.words() } else { "accepted" };
            let reasons: Vec<String> = row.accepted_lines().collect();
            let text = format!("{why}: {} {}", row.seen, reasons.join("; "));
            format!("<skipped message=\"{}\"/>", escape(text.trim_end()))
        }
    }
}
