//! The statements of repairs. Pure: identifiers are quoted here; values are numbered parameters, or literals where a person
//! is to read them.

use switchyard_model::{
    ident::{literal, quote},
    reconcile::Key,
};

use super::super::rows::whole;
use crate::db::{
    repairs::{Cells, Change},
    rows::{Field, Relation},
};

/// A literal is shown to this length, characters.
const LONGEST: usize = 10_000;

/// A value of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value<'a> {
    Text(Option<&'a str>),
    Number(i64),
    Texts(&'a [String]),
}

/// A statement whose values are bound.
#[derive(Debug, Default)]
pub(super) struct Bound<'a> {
    pub(super) sql: String,
    pub(super) values: Vec<Value<'a>>,
}

/// How values come into a statement.
enum Values<'a> {
    Bound(Vec<Value<'a>>),
    Written,
}

impl<'a> Values<'a> {
    fn put(&mut self, value: Value<'a>) -> String {
        match self {
            Values::Bound(all) => {
                let cast = match value {
                    Value::Text(_) => "text",
                    Value::Number(_) => "int8",
                    Value::Texts(_) => "text[]",
                };
                all.push(value);
                format!("${}::{cast}", all.len())
            }
            Values::Written => written(&value),
        }
    }
}

fn written(value: &Value<'_>) -> String {
    match value {
        Value::Text(None) => "NULL".to_owned(),
        Value::Text(Some(text)) => match text.char_indices().nth(LONGEST) {
            Some((end, _)) => format!("{} /* and so on, {} characters */", literal(&text[..end]), text.chars().count()),
            None => literal(text),
        },
        Value::Number(n) => n.to_string(),
        Value::Texts(all) => {
            format!("ARRAY[{}]::text[]", all.iter().map(|t| literal(t)).collect::<Vec<_>>().join(", "))
        }
    }
}

/// With its values bound.
pub(super) fn bound<'a>(relation: &Relation, change: &'a Change) -> Bound<'a> {
    let mut values = Values::Bound(Vec::new());
    let sql = statement(relation, change, &mut values);
    match values {
        Values::Bound(values) => Bound { sql, values },
        Values::Written => Bound { sql, values: Vec::new() },
    }
}

/// With its values written out.
pub(super) fn readable(relation: &Relation, change: &Change) -> String {
    let statement = statement(relation, change, &mut Values::Written);
    match change {
        // Some of them are in one transaction.
        Change::Insert { .. } => format!("BEGIN; {}; {statement}; COMMIT", lock(relation)),
        Change::InsertCopies { .. } | Change::Update { .. } | Change::Delete { .. } | Change::DeleteCopies { .. } => {
            statement
        }
    }
}

/// Keeps other writers out and lets readers in.
pub(super) fn lock(relation: &Relation) -> String {
    let table = whole::table(relation);
    format!("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE", table.trim_end_matches(" AS t"))
}

fn statement<'a>(relation: &Relation, change: &'a Change, values: &mut Values<'a>) -> String {
    let (name, table, hash) = (&relation.name, whole::table(relation), whole::hash(relation));
    match change {
        Change::Insert { key, cells } => {
            let (columns, list) = insert(relation, cells, values);
            let there = key_equals(relation, key, values);
            format!(
                "INSERT INTO {name}{columns} OVERRIDING SYSTEM VALUE SELECT {list} \
                 WHERE NOT EXISTS (SELECT FROM {table} WHERE {there})"
            )
        }
        Change::InsertCopies { copies, cells } => {
            let (columns, list) = insert(relation, cells, values);
            let copies = values.put(Value::Number(*copies));
            // A table without columns has no column to override either.
            let overriding = if columns.is_empty() { "" } else { " OVERRIDING SYSTEM VALUE" };
            format!("INSERT INTO {name}{columns}{overriding} SELECT {list} FROM generate_series(1, {copies})")
        }
        Change::Update { key, hash: seen, cells } => {
            let set: Vec<String> =
                columns(relation, cells).map(|(f, v)| format!("{} = {}", quote(&f.name), cast(f, v, values))).collect();
            let there = key_equals(relation, key, values);
            let seen = values.put(Value::Number(*seen));
            format!("UPDATE {table} SET {} WHERE {there} AND {hash} = {seen}", set.join(", "))
        }
        Change::Delete { key, hash: seen } => {
            let there = key_equals(relation, key, values);
            let seen = values.put(Value::Number(*seen));
            format!("DELETE FROM {table} WHERE {there} AND {hash} = {seen}")
        }
        Change::DeleteCopies { hash: seen, table: holder, at } => {
            let at = values.put(Value::Texts(at));
            let holder = values.put(Value::Number(*holder));
            let seen = values.put(Value::Number(*seen));
            format!(
                "DELETE FROM {table} WHERE t.ctid = ANY ({at}::tid[]) AND t.tableoid = {holder}::oid AND {hash} = {seen}"
            )
        }
    }
}

/// The fields of cells.
fn columns<'a, 'r>(relation: &'r Relation, cells: &'a Cells) -> impl Iterator<Item = (&'r Field, Option<&'a str>)> {
    cells.iter().filter_map(|(i, value)| Some((relation.fields.get(*i)?, value.as_deref())))
}

/// ` (columns)` and the list of their values.
fn insert<'a>(relation: &Relation, cells: &'a Cells, values: &mut Values<'a>) -> (String, String) {
    let names: Vec<String> = columns(relation, cells).map(|(f, _)| quote(&f.name)).collect();
    let list: Vec<String> = columns(relation, cells).map(|(f, v)| cast(f, v, values)).collect();
    if names.is_empty() {
        (String::new(), String::new())
    } else {
        (format!(" ({})", names.join(", ")), list.join(", "))
    }
}

/// A value as its field's type, without a length: a cast to one would cut what does not fit, and storing it is refused.
fn cast<'a>(field: &Field, value: Option<&'a str>, values: &mut Values<'a>) -> String {
    let value = values.put(Value::Text(value));
    match field.base_type.as_str() {
        base if base.contains('.') => format!("{value}::{}", field.sql_type),
        base => format!("{value}::pg_catalog.{}", quote(base)),
    }
}

/// Finds the row by its index; which of several keys that the type calls equal it is, its hash says.
fn key_equals<'a>(relation: &Relation, key: &'a Key, values: &mut Values<'a>) -> String {
    let parts: Vec<String> = relation
        .key_fields()
        .zip(&key.0)
        .map(|(f, text)| {
            let value = values.put(Value::Text(Some(text)));
            format!("t.{} = {value}::{}", quote(&f.name), whole::key_type(f))
        })
        .collect();
    parts.join(" AND ")
}

#[cfg(test)]
mod tests {
    use switchyard_model::ident::TableName;

    use super::*;
    use crate::db::rows::{Rendering, Way};

    fn relation(key: Vec<usize>) -> Relation {
        let field = |name: &str, sql_type: &str, base: &str| Field {
            name: name.into(),
            sql_type: sql_type.into(),
            base_type: base.into(),
            rendering: Rendering { way: Way::Native, exact: false },
        };
        Relation {
            name: TableName::new("S", "T\"x"),
            with_partitions: false,
            root: None,
            fields: vec![field("i\"d", "bigint", "int8"), field("v", "character(4)", "bpchar")],
            key,
        }
    }

    fn key() -> Key {
        Key(vec!["7'; DROP TABLE x; --".into()])
    }

    #[test]
    fn values_are_parameters_and_names_are_quoted() {
        let change = Change::Update { key: key(), hash: -5, cells: vec![(1, Some("it's".into()))] };
        let relation = relation(vec![0]);
        let Bound { sql, values } = bound(&relation, &change);
        assert!(sql.starts_with(
            r#"UPDATE ONLY "S"."T""x" AS t SET "v" = $1::text::pg_catalog."bpchar" WHERE t."i""d" = $2::"#
        ));
        assert!(sql.ends_with("= $3::int8"), "the row has to be what was seen: {sql}");
        assert!(!sql.contains("DROP"), "a value must never be part of the statement: {sql}");
        assert_eq!(values[1], Value::Text(Some("7'; DROP TABLE x; --")));
    }

    #[test]
    fn for_people_values_are_literals() {
        let change = Change::Delete { key: key(), hash: -5 };
        let sql = readable(&relation(vec![0]), &change);
        assert!(sql.contains(r#"WHERE t."i""d" = '7''; DROP TABLE x; --'::pg_catalog."int8" AND "#), "{sql}");
        assert!(sql.ends_with(" = -5"), "{sql}");
        let long = Change::InsertCopies { copies: 2, cells: vec![(1, Some("ä".repeat(20_000))), (0, None)] };
        let sql = readable(&relation(vec![]), &long);
        assert!(sql.contains("20000 characters") && sql.len() < 30_000, "a long value is shortened, and it is said");
        assert!(sql.contains("NULL::pg_catalog.\"int8\""), "{sql}");
    }

    #[test]
    fn a_table_without_columns_gets_its_copies() {
        let bare = Relation { fields: vec![], ..relation(vec![]) };
        let change = Change::InsertCopies { copies: 3, cells: vec![] };
        assert_eq!(readable(&bare, &change), r#"INSERT INTO "S"."T""x" SELECT  FROM generate_series(1, 3)"#);
    }
}
