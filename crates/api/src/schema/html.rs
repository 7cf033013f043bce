//! Differences as one HTML page that needs nothing else.

use std::fmt::Write as _;

use super::SchemaDifferences;

pub(crate) const STYLE: &str = "body{font:14px/1.45 system-ui,sans-serif;margin:2rem;color:#1b1f24;background:#fff}\
table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.4rem .6rem;border-bottom:1px solid #d0d7de}\
td,pre{overflow-wrap:anywhere;white-space:pre-wrap}pre{margin:.3rem 0 0;padding:.5rem;background:#f6f8fa}\
.blocks{border-left:4px solid #b42318}.data{border-left:4px solid #b54708}.speed{border-left:4px solid #175cd3}.cosmetic{border-left:4px solid #667085}\
@media(prefers-color-scheme:dark){body{color:#e6edf3;background:#0d1117}th,td{border-color:#30363d}pre{background:#161b22}}";

/// The whole answer.
pub fn render(d: &SchemaDifferences) -> String {
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Schema differences</title><style>{STYLE}</style></head>\
         <body>\n<h1>Schema differences</h1>\n<p>{} → {}</p>\n<p>{}</p>\n",
        escape(&d.source),
        escape(&d.target),
        escape(&d.summary())
    );
    if !d.differences.is_empty() {
        out.push_str(
            "<table><thead><tr><th>Severity</th><th>Kind</th><th>Object</th><th>What</th><th>Source</th><th>Target</th>\
             <th>Why, and what mends it</th></tr></thead><tbody>\n",
        );
        for row in &d.differences {
            let value = |v: &Option<String>| v.as_deref().map_or("—".to_owned(), escape);
            let sql = row.sql.as_deref().map_or(String::new(), |sql| format!("<pre>{}</pre>", escape(sql)));
            let _ = writeln!(
                out,
                "<tr class=\"{}\"><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}{sql}</td></tr>",
                row.severity.word(),
                row.severity.words(),
                escape(&row.kind.word().replace('_', " ")),
                escape(&row.object),
                escape(&row.what),
                value(&row.source),
                value(&row.target),
                escape(&row.why)
            );
        }
        out.push_str("</tbody></table>\n");
    }
    let accepted = d.accepted.iter().map(|a| {
        let (object, what) = (&a.difference.object, &a.difference.what);
        format!("{} {object}, {what}: {}", a.difference.kind.word().replace('_', " "), a.reason)
    });
    list(&mut out, "Accepted", accepted);
    list(&mut out, "Accepted entries that are about nothing any more", d.idle.iter().cloned());
    list(&mut out, "Not seen", d.unseen.iter().map(|u| format!("{}: {}", u.object, u.why)));
    out.push_str("</body></html>\n");
    out
}

pub(crate) fn list(out: &mut String, title: &str, entries: impl Iterator<Item = String>) {
    let entries: Vec<String> = entries.map(|e| format!("<li>{}</li>\n", escape(&e))).collect();
    if !entries.is_empty() {
        let _ = write!(out, "<h2>{title}</h2>\n<ul>\n{}</ul>\n", entries.concat());
    }
}

/// A text within HTML or an attribute of it.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(c),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}
