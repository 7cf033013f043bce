//! Differences as text for a terminal.

use std::fmt::Write as _;

use super::SchemaDifferences;

/// The whole answer.
pub fn render(d: &SchemaDifferences) -> String {
    let mut out = String::new();
    for row in &d.differences {
        let _ = writeln!(
            out,
            "{:<11} {} {}: {}",
            row.severity.words(),
            row.kind.word().replace('_', " "),
            one_line(&row.object),
            one_line(&row.what)
        );
        let value = |v: &Option<String>| v.as_deref().map_or("—".to_owned(), one_line);
        let _ = writeln!(out, "    source: {}", value(&row.source));
        let _ = writeln!(out, "    target: {}", value(&row.target));
        let _ = writeln!(out, "    {}", row.why);
        for line in row.sql.iter().flat_map(|sql| sql.lines()) {
            let _ = writeln!(out, "    > {}", visible(line));
        }
    }
    for a in &d.accepted {
        let _ = writeln!(
            out,
            "accepted    {} {}: {} ({})",
            a.difference.kind.word().replace('_', " "),
            one_line(&a.difference.object),
            one_line(&a.difference.what),
            one_line(&a.reason)
        );
    }
    for entry in &d.idle {
        let _ = writeln!(out, "The accepted entry for {} is about no difference any more; remove it.", one_line(entry));
    }
    for u in &d.unseen {
        let _ = writeln!(out, "not seen    {}: {}", one_line(&u.object), one_line(&u.why));
    }
    let _ = writeln!(out, "{}", d.summary());
    out
}

/// Without line ends, which would look like another row, and without what steers a terminal.
pub(crate) fn one_line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push(' '),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// The line itself, without what steers a terminal.
pub(crate) fn visible(line: &str) -> String {
    line.chars().map(|c| if c.is_control() && c != '\t' { '\u{fffd}' } else { c }).collect()
}
