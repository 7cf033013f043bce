//! A line per column that differs, as spreadsheets read it. Pure.

use std::fmt::Write as _;

use serde_json::Value;
use switchyard_model::time::utc;

use super::Row;

/// What the columns are; documented in docs/guide/verify.md.
const COLUMNS: [&str; 9] =
    ["table", "finding", "kind", "key", "column", "source", "target", "last_checked_utc", "still_moving"];

/// The first line.
pub(super) fn head() -> String {
    COLUMNS.join(",") + "\r\n"
}

/// A row of which no column is named has one line all the same.
pub(super) fn write(row: &Row<'_>, out: &mut String) {
    let key = Value::Object(row.key()).to_string();
    if row.columns.is_empty() {
        line(row, &key, [None; 3], out);
    }
    for column in &row.columns {
        line(row, &key, [Some(&column.column), column.source.as_deref(), column.target.as_deref()], out);
    }
}

fn line(row: &Row<'_>, key: &str, column: [Option<&str>; 3], out: &mut String) {
    let [name, source, target] = column.map(field);
    // Numbers and words of our own need no quotes.
    let id = row.id.map_or_else(String::new, |id| id.to_string());
    let moving = if row.kind.is_none() { "yes" } else { "no" };
    let (table, key, kind, at) = (field(Some(&row.table.plain())), field(Some(key)), row.word(), utc(row.at));
    // Writing into a string cannot fail.
    let _ = write!(out, "{table},{id},{kind},{key},{name},{source},{target},{at},{moving}\r\n");
}

/// In quotes, and never a formula: a spreadsheet runs what begins like one. The apostrophe in front can be taken away
/// again, since a value that has one already gets a second. NULL is nothing at all, an empty text a pair of quotes.
fn field(value: Option<&str>) -> String {
    let Some(value) = value else { return String::new() };
    let runs = value.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '\'', '＝', '＋', '－', '＠']);
    let guard = if runs && !is_number(value) { "'" } else { "" };
    format!("\"{guard}{}\"", value.replace('"', "\"\""))
}

/// A sign and digits are no formula, and would be no number behind an apostrophe.
fn is_number(value: &str) -> bool {
    let digits = value.strip_prefix(['-', '+']).unwrap_or(value);
    digits.starts_with(|c: char| c.is_ascii_digit())
        && digits.parse::<f64>().is_ok()
        && digits.chars().all(|c| c.is_ascii_digit() || c == '.')
}

#[cfg(test)]
mod tests {
    use super::field;

    #[test]
    fn no_value_runs_in_a_spreadsheet_and_each_can_be_had_back() {
        assert_eq!(field(None), "", "NULL is nothing");
        assert_eq!(field(Some("")), "\"\"", "an empty text is something");
        assert_eq!(field(Some("a \"b\", c\nd")), "\"a \"\"b\"\", c\nd\"", "quotes are doubled, the rest is as it is");
        for formula in ["=1+1", "+A1", "-A1", "@x", "\tx", "\r=x", "-1+cmd|'/c calc'!A0", "--1", "＝1", "-1e5"] {
            assert_eq!(field(Some(formula)), format!("\"'{formula}\""), "{formula:?} would run");
        }
        assert_eq!(field(Some("'x")), "\"''x\"", "so that one apostrophe can be taken away from whatever has one");
        for plain in ["-12.50", "+3", "1-2", "a=b", " =1"] {
            assert_eq!(field(Some(plain)), format!("\"{plain}\""), "{plain:?} is a value");
        }
    }
}
