//! A JSON object per row that differs, on a line of its own, with every value as it is. Pure.

use serde::Serialize;
use serde_json::{Map, Value};
use switchyard_model::{UnixMs, reconcile::ColumnDifference};

use super::Row;

#[derive(Serialize)]
struct Line<'a> {
    table: String,
    finding: Option<i64>,
    kind: &'static str,
    key: Map<String, Value>,
    columns: &'a [ColumnDifference],
    #[serde(skip_serializing_if = "Option::is_none")]
    rows_source: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rows_target: Option<i64>,
    /// ms since 1970.
    at: UnixMs,
    still_moving: bool,
}

pub(super) fn write(row: &Row<'_>, out: &mut String) {
    let line = Line {
        table: row.table.plain(),
        finding: row.id,
        kind: row.word(),
        key: row.key(),
        columns: &row.columns,
        rows_source: row.rows.map(|(source, _)| source),
        rows_target: row.rows.map(|(_, target)| target),
        at: row.at,
        still_moving: row.kind.is_none(),
    };
    // Texts and numbers under names that are texts: there is nothing in it that JSON could not hold.
    if let Ok(text) = serde_json::to_string(&line) {
        out.push_str(&text);
        out.push('\n');
    }
}
