//! A preflight as text for a terminal. What passes is counted alone; `--json` lists it.

use std::fmt::Write as _;

use super::{PreflightReport, Word};
use crate::schema::text::one_line;

/// The whole answer.
pub fn render(report: &PreflightReport) -> String {
    let mut out = String::new();
    for row in report.checks.iter().filter(|r| r.verdict != Word::Pass) {
        let _ =
            writeln!(out, "{:<10} {:<11} {}: {}", row.standing(), row.severity.words(), row.id, one_line(&row.title));
        let _ = writeln!(out, "    {}", one_line(&row.seen));
        let _ = writeln!(out, "    {}", row.why);
        if let Some(remedy) = row.remedy.as_ref().filter(|_| row.open) {
            let _ = writeln!(out, "    > {}", one_line(remedy));
        }
        for line in row.accepted_lines() {
            let _ = writeln!(out, "    accepted: {}", one_line(&line));
        }
    }
    for entry in &report.idle {
        let _ = writeln!(out, "The accepted entry for {} is about nothing any more; remove it.", one_line(entry));
    }
    let _ = writeln!(out, "{}", report.summary());
    out
}
