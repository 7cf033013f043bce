//! The statements that read rows for a repair: with everything they hold, and where they are. Pure.
//!
//! They see a row as the recheck of a pass saw it, closely: the hash here is the hash of a finding.

use switchyard_model::ident::quote;

use super::{
    hash::{self, Look, Value},
    sql,
};
use crate::db::rows::{Field, Relation, Slice};

/// Hash of a row `t`, as a finding saw it.
pub(in crate::db::postgres) fn hash(relation: &Relation) -> String {
    sql::row_hash(relation, Look::Close)
}

/// `schema.table AS t`, without its partitions or children where they are not read with it.
pub(in crate::db::postgres) fn table(relation: &Relation) -> String {
    sql::from(relation).trim_start_matches("FROM ").to_owned()
}

/// The type to which a key's text is cast.
pub(in crate::db::postgres) fn key_type(field: &Field) -> String {
    sql::key_type(field)
}

/// `key`, `hash`, `version`, `texts` and `hashes`, one element per field of each, of the rows with given keys: one text array per key
/// column. Without a key `$1` holds hashes, one row of each hash is read, and the rest bounds the slice that is searched.
/// The texts are empty where they are not wanted.
pub(in crate::db::postgres) fn rows(relation: &Relation, slice: &Slice, with_texts: bool) -> String {
    let texts: Vec<String> = relation.fields.iter().filter(|_| with_texts).map(text).collect();
    let cell = |(i, f): (usize, &Field)| hash::cell(&Value::of(f), i, Look::Close);
    let hashes: Vec<String> = relation.fields.iter().enumerate().map(cell).collect();
    let row = hash(relation);
    let cells = format!("{row}, {VERSION}, ARRAY[{}]::text[], ARRAY[{}]::int8[]", texts.join(", "), hashes.join(", "));
    if relation.key.is_empty() {
        let (filter, _) = sql::filter(relation, slice, 2);
        return format!(
            "SELECT DISTINCT ON (1) ARRAY[({row})::text], {cells} FROM {} WHERE {filter} AND {row} = ANY ($1::int8[])",
            table(relation)
        );
    }
    let (unnest, key) = sql::requested(relation);
    format!("SELECT ARRAY[{key}], {cells} FROM {unnest} JOIN {} ON {}", table(relation), sql::key_equals(relation))
}

/// A row's version: where it is, who made it, and who last changed, locked or deleted it, though that may not be over yet.
const VERSION: &str = "concat_ws(' ', t.tableoid, t.ctid, t.xmin, t.xmax)";

/// A value as its type's input function reads it back. The cast of a `character` to text would cut its blanks.
fn text(field: &Field) -> String {
    let name = format!("t.{}", quote(&field.name));
    match field.base_type.as_str() {
        "bpchar" => format!("CASE WHEN {name} IS NOT NULL THEN concat({name}) END"),
        _ => format!("{name}::text"),
    }
}

/// `hash`, the table that holds it and its place, of rows with the hashes `$1`, at most `$2` of each.
pub(in crate::db::postgres) fn places(relation: &Relation, slice: &Slice) -> String {
    let (filter, _) = sql::filter(relation, slice, 3);
    format!(
        "SELECT h, o, c FROM (SELECT h, o, c, row_number() OVER (PARTITION BY h) AS n FROM \
         (SELECT {} AS h, t.tableoid::int8 AS o, t.ctid::text AS c FROM {} WHERE {filter} OFFSET 0) AS r \
         WHERE h = ANY ($1::int8[])) AS p WHERE n <= $2",
        hash(relation),
        table(relation)
    )
}
