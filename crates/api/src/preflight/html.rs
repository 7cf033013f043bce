//! A preflight as one HTML page that needs nothing else.

use std::fmt::Write as _;

use super::PreflightReport;
use crate::schema::html::{STYLE, escape, list};

/// The whole answer.
pub fn render(report: &PreflightReport) -> String {
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Preflight</title><style>{STYLE}</style></head>\
         <body>\n<h1>Preflight</h1>\n<p>{} → {}</p>\n<p>{}</p>\n\
         <table><thead><tr><th>Verdict</th><th>Severity</th><th>Check</th><th>What holds</th><th>Seen</th>\
         <th>Why, and what mends it</th></tr></thead><tbody>\n",
        escape(&report.source),
        escape(&report.target),
        escape(&report.summary())
    );
    for row in &report.checks {
        // What passes or was accepted has no colour of its own.
        let class = if row.open { row.severity.word() } else { "" };
        let remedy = row.remedy.as_ref().filter(|_| row.open);
        let remedy = remedy.map_or(String::new(), |r| format!("<pre>{}</pre>", escape(r)));
        let _ = writeln!(
            out,
            "<tr class=\"{class}\"><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}{remedy}</td></tr>",
            row.standing(),
            row.severity.words(),
            escape(&row.id),
            escape(&row.title),
            escape(&row.seen),
            escape(&row.why)
        );
    }
    out.push_str("</tbody></table>\n");
    let accepted = report.checks.iter().flat_map(|r| r.accepted_lines().map(|line| format!("{}: {line}", r.id)));
    list(&mut out, "Accepted", accepted);
    list(&mut out, "Accepted entries that are about nothing any more", report.idle.iter().cloned());
    out.push_str("</body></html>\n");
    out
}
