//! A preflight as Markdown, for a comment on a merge request.

use std::fmt::Write as _;

use super::{PreflightReport, Row};
use crate::schema::markdown::{fence, inline, list};

/// The whole answer.
pub fn render(report: &PreflightReport) -> String {
    let (source, target) = (inline(&report.source), inline(&report.target));
    let mut out = format!("# Preflight\n\n{source} → {target}\n\n{}\n", report.summary());
    out.push_str("\n| verdict | severity | check | what holds | seen | why |\n|---|---|---|---|---|---|\n");
    for row in &report.checks {
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {} | {} |",
            row.standing(),
            row.severity.words(),
            inline(&row.id),
            inline(&row.title),
            inline(&row.seen),
            inline(&row.why)
        );
    }
    for (row, remedy) in report.checks.iter().filter(|r| r.open).filter_map(|r| Some((r, r.remedy.as_ref()?))) {
        let fence = fence(remedy);
        let _ = write!(out, "\n{}\n\n{fence}\n{remedy}\n{fence}\n", inline(&row.id));
    }
    list(&mut out, "Accepted", report.checks.iter().flat_map(accepted));
    list(&mut out, "Accepted entries that are about nothing any more", report.idle.iter().map(|e| inline(e)));
    out
}

fn accepted(row: &Row) -> impl Iterator<Item = String> {
    row.accepted_lines().map(|line| inline(&format!("{}: {line}", row.id)))
}
