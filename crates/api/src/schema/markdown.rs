//! Differences as Markdown, for a comment on a merge request.

use std::fmt::Write as _;

use super::{SchemaDifferences, text::one_line};

/// The whole answer.
pub fn render(d: &SchemaDifferences) -> String {
    let mut out = format!("# Schema differences\n\n{} → {}\n\n{}\n", inline(&d.source), inline(&d.target), d.summary());
    if !d.differences.is_empty() {
        out.push_str("\n| severity | kind | object | what | source | target | why |\n|---|---|---|---|---|---|---|\n");
    }
    for row in &d.differences {
        let value = |v: &Option<String>| v.as_deref().map_or("—".to_owned(), inline);
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {} | {} | {} |",
            row.severity.words(),
            row.kind.word().replace('_', " "),
            inline(&row.object),
            inline(&row.what),
            value(&row.source),
            value(&row.target),
            row.why
        );
    }
    let statements: Vec<&str> = d.differences.iter().filter_map(|row| row.sql.as_deref()).collect();
    if !statements.is_empty() {
        let sql = statements.join("\n");
        let fence = fence(&sql);
        let _ = write!(out, "\n{fence}sql\n{sql}\n{fence}\n");
    }
    list(
        &mut out,
        "Accepted",
        d.accepted.iter().map(|a| {
            format!(
                "{} {}, {}: {}",
                a.difference.kind.word().replace('_', " "),
                inline(&a.difference.object),
                inline(&a.difference.what),
                inline(&a.reason)
            )
        }),
    );
    list(&mut out, "Accepted entries that are about nothing any more", d.idle.iter().map(|e| inline(e)));
    list(&mut out, "Not seen", d.unseen.iter().map(|u| format!("{}: {}", inline(&u.object), inline(&u.why))));
    out
}

pub(crate) fn list(out: &mut String, title: &str, entries: impl Iterator<Item = String>) {
    let entries: Vec<String> = entries.collect();
    if !entries.is_empty() {
        let _ = write!(out, "\n## {title}\n\n");
        for entry in entries {
            let _ = writeln!(out, "- {entry}");
        }
    }
}

/// Text that is read as itself: every sign that Markdown or HTML could take for its own is escaped.
pub(crate) fn inline(text: &str) -> String {
    let mut out = String::new();
    for c in one_line(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '(' | ')' | '#' | '|' | '~' | '!' | '$' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}

/// Longer than any run of backticks within.
pub(crate) fn fence(sql: &str) -> String {
    let longest = sql.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    "`".repeat(longest.max(2) + 1)
}
