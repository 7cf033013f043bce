//! From keys that differ to findings that a person can read: which columns, and both values.

use std::collections::HashMap;

use switchyard_model::{
    UnixMs,
    reconcile::{ColumnDifference, Finding, FindingKind, Key, Seen},
};

use super::{pairing::Matched, table::Readers};
use crate::{
    db::rows::{CellValue, Relation, RowReader, Slice, Sum},
    error::Result,
};

/// One finding per row, values as they are now. `rows` are keys with what the source and the target hold.
pub(super) async fn findings(
    readers: &mut Readers,
    m: &Matched,
    slices: &[Vec<Slice>; 2],
    rows: &[(&Key, Sum, Sum)],
    at: UnixMs,
) -> Result<Vec<Finding>> {
    // A missing row's values are read only where they stand for its key.
    let keyless = m.source.key.is_empty();
    let wanted = |(key, source, target): &(&Key, Sum, Sum)| {
        (keyless || kind(*source, *target) == FindingKind::Different).then(|| (*key).clone())
    };
    let keys: Vec<Key> = rows.iter().filter_map(wanted).collect();
    let (a, b) = tokio::try_join!(
        values(readers.source.as_mut(), &m.source, &slices[0], &keys),
        values(readers.target.as_mut(), &m.target, &slices[1], &keys)
    )?;
    let finding = |(key, source, target): &(&Key, Sum, Sum)| {
        let (a, b) = (a.get(*key), b.get(*key));
        let columns = match (a, b) {
            (Some(a), Some(b)) => differences(&m.source, a, b),
            (Some(_) | None, _) => Vec::new(),
        };
        Finding {
            key: if keyless { whole_row(&m.source, a.or(b)) } else { named(&m.source, key) },
            kind: kind(*source, *target),
            columns,
            rows_source: source.rows,
            rows_target: target.rows,
            at,
            seen: Some(if keyless { Seen { source: hash(key), target: hash(key) } } else { seen(*source, *target) }),
        }
    };
    Ok(rows.iter().map(finding).collect())
}

/// The hash that stands for a row without a key.
fn hash(key: &Key) -> Option<i64> {
    key.0.first()?.parse().ok()
}

/// With a key the sum is of one row.
fn seen(source: Sum, target: Sum) -> Seen {
    let of = |sum: Sum| (sum.rows == 1).then(|| i64::try_from(sum.hash).ok()).flatten();
    Seen { source: of(source), target: of(target) }
}

fn kind(source: Sum, target: Sum) -> FindingKind {
    match (source.rows, target.rows) {
        (_, 0) => FindingKind::MissingOnTarget,
        (0, _) => FindingKind::OnlyOnTarget,
        _ => FindingKind::Different,
    }
}

async fn values(
    reader: &mut dyn RowReader,
    relation: &Relation,
    slices: &[Slice],
    keys: &[Key],
) -> Result<HashMap<Key, Vec<CellValue>>> {
    let mut all = HashMap::new();
    if keys.is_empty() {
        return Ok(all);
    }
    // With a key its index finds the rows, wherever they are.
    let slices = if relation.key.is_empty() { slices } else { &[Slice::Whole] };
    for slice in slices {
        all.extend(reader.values(relation, slice, keys).await?);
    }
    Ok(all)
}

/// The key with its columns' names.
pub(super) fn named(relation: &Relation, key: &Key) -> Vec<(String, String)> {
    if relation.key.is_empty() {
        return vec![("(row hash)".to_owned(), key.0.concat())];
    }
    relation.key_fields().map(|f| f.name.clone()).zip(key.0.iter().cloned()).collect()
}

fn whole_row(relation: &Relation, values: Option<&Vec<CellValue>>) -> Vec<(String, String)> {
    let text = |v: &CellValue| v.text.clone().unwrap_or_else(|| "NULL".to_owned());
    let values = values.into_iter().flatten().map(text);
    relation.fields.iter().map(|f| f.name.clone()).zip(values).collect()
}

fn differences(relation: &Relation, a: &[CellValue], b: &[CellValue]) -> Vec<ColumnDifference> {
    relation
        .fields
        .iter()
        .zip(a.iter().zip(b))
        .filter(|(_, (a, b))| a.hash != b.hash)
        .map(|(f, (a, b))| ColumnDifference { column: f.name.clone(), source: a.text.clone(), target: b.text.clone() })
        .collect()
}
