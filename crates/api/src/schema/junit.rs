//! Differences as a JUnit report: one test per difference, failed where it is as bad as was asked for.

use std::fmt::Write as _;

use switchyard_model::schema::Severity;

use super::SchemaDifferences;

/// The whole answer; what is less bad than `level`, and what was accepted, is skipped.
pub fn render(d: &SchemaDifferences, level: Severity) -> String {
    let failed = d.at_least(level);
    let skipped = d.differences.len() - failed + d.accepted.len();
    // A report without a test reads as one that did not run.
    let tests = (d.differences.len() + d.accepted.len()).max(1);
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n<testsuite name=\"schema diff\" tests=\"{tests}\" \
         failures=\"{failed}\" skipped=\"{skipped}\" errors=\"0\" time=\"{:.3}\">\n",
        d.read_seconds + d.compare_seconds
    );
    for row in &d.differences {
        let _ = write!(
            out,
            "<testcase classname=\"{}\" name=\"{}\">",
            row.kind.word(),
            escape(&format!("{}: {}", row.object, row.what))
        );
        let value = |v: &Option<String>| v.clone().unwrap_or_else(|| "nothing".into());
        let values = format!("source: {}\ntarget: {}", value(&row.source), value(&row.target));
        if row.severity <= level {
            let sql = row.sql.as_deref().map_or(String::new(), |sql| format!("\n{sql}"));
            let _ = write!(
                out,
                "<failure type=\"{}\" message=\"{}\">{}</failure>",
                row.severity.word(),
                escape(&row.why),
                escape(&format!("{values}{sql}"))
            );
        } else {
            let _ = write!(
                out,
                "<skipped message=\"{}\"/>",
                escape(&format!("{}: {} {values}", row.severity.words(), row.why))
            );
        }
        out.push_str("</testcase>\n");
    }
    for a in &d.accepted {
        let name = escape(&format!("{}: {}", a.difference.object, a.difference.what));
        let reason = escape(&format!("accepted: {}", a.reason));
        let _ = writeln!(
            out,
            "<testcase classname=\"{}\" name=\"{name}\"><skipped message=\"{reason}\"/></testcase>",
            a.difference.kind.word()
        );
    }
    if d.differences.is_empty() && d.accepted.is_empty() {
        out.push_str("<testcase classname=\"schema\" name=\"source and target are equal\"/>\n");
    }
    out.push_str("</testsuite>\n</testsuites>\n");
    out
}

/// Line ends as references, so that they survive in an attribute; signs that XML has no place for are replaced.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("&#10;"),
            '\t' => out.push_str("&#9;"),
            '\r' => out.push_str("&#13;"),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}
