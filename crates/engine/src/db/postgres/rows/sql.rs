//! The statements. Pure: identifiers are quoted here, values are numbered parameters.

use switchyard_model::ident::quote;

use super::hash::{self, Look, Value};
use crate::db::rows::{Division, Field, Relation, Slice, Way};

/// Hash of the whole row.
pub(super) fn row_hash(relation: &Relation, look: Look) -> String {
    hash::row(relation.fields.iter().map(Value::of), look)
}

/// How rows are looked at where many are read: closely only where their hash is their key.
fn usual(relation: &Relation) -> Look {
    if relation.key.is_empty() { Look::Close } else { Look::Wide }
}

/// Hash of the key.
fn key_hash(relation: &Relation) -> String {
    let fields: Vec<&Field> = relation.key_fields().collect();
    match fields.as_slice() {
        [one] if is_integer(one) && one.rendering.way == Way::Native => {
            format!("hashint8extended(t.{}::int8, 0)", quote(&one.name))
        }
        _ => hash::row(fields.into_iter().map(Value::of), Look::Wide),
    }
}

fn is_integer(field: &Field) -> bool {
    matches!(field.base_type.as_str(), "int2" | "int4" | "int8")
}

/// The text of a key column: one for all values that count as the same key.
fn key_text(field: &Field) -> String {
    hash::writing(&format!("t.{}", quote(&field.name)), &field.base_type, field.rendering.exact, Look::Close)
}

fn key_texts(relation: &Relation) -> String {
    relation.key_fields().map(key_text).collect::<Vec<String>>().join(", ")
}

/// The type to which a key's text is cast: wide enough for what the other side may hold. A length or a domain would cut it
/// or refuse it, and so would a narrower integer.
pub(super) fn key_type(field: &Field) -> String {
    match field.base_type.as_str() {
        "int2" | "int4" => "pg_catalog.int8".to_owned(),
        base if base.contains('.') => field.sql_type.clone(),
        base => format!("pg_catalog.{}", quote(base)),
    }
}

pub(super) fn from(relation: &Relation) -> String {
    let only = if relation.with_partitions { "" } else { "ONLY " };
    format!("FROM {only}{} AS t", relation.name)
}

/// Where rows are looked up by their key.
fn home(relation: &Relation) -> String {
    match &relation.root {
        Some(root) => format!("{root} AS t"),
        None => from(relation).trim_start_matches("FROM ").to_owned(),
    }
}

/// The key's columns as a row, in key order.
fn key_row(relation: &Relation) -> String {
    let list: Vec<String> = relation.key_fields().map(|f| format!("t.{}", quote(&f.name))).collect();
    if list.len() == 1 { list.concat() } else { format!("({})", list.join(", ")) }
}

/// Parameters `$first…` cast to the key's types.
fn key_parameters(relation: &Relation, first: usize) -> String {
    let list: Vec<String> =
        relation.key_fields().enumerate().map(|(i, f)| format!("${}::text::{}", first + i, key_type(f))).collect();
    if list.len() == 1 { list.concat() } else { format!("({})", list.join(", ")) }
}

/// `WHERE …` of a slice, and how many parameters it takes, numbered from `first`.
pub(super) fn filter(relation: &Relation, slice: &Slice, first: usize) -> (String, usize) {
    let width = relation.key.len();
    match slice {
        Slice::Whole => ("true".to_owned(), 0),
        Slice::Keys { after, upto } => {
            let mut parts = Vec::new();
            let mut used = 0;
            if after.is_some() {
                parts.push(format!("{} > {}", key_row(relation), key_parameters(relation, first)));
                used += width;
            }
            if upto.is_some() {
                parts.push(format!("{} <= {}", key_row(relation), key_parameters(relation, first + used)));
                used += width;
            }
            if parts.is_empty() {
                parts.push("true".to_owned());
            }
            (parts.join(" AND "), used)
        }
        Slice::Pages { from, to } => {
            // Numbers of our own, not values: a tid has no cast from a number.
            let begin = format!("t.ctid >= '({from},0)'::tid");
            match to {
                Some(to) => (format!("{begin} AND t.ctid < '({to},0)'::tid"), 0),
                None => (begin, 0),
            }
        }
    }
}

/// `rows`, `hash`.
pub(super) fn sum(relation: &Relation, slice: &Slice) -> String {
    let (filter, _) = filter(relation, slice, 1);
    let hash = row_hash(relation, usual(relation));
    format!("SELECT count(*), coalesce(sum({hash}), 0)::text {} WHERE {filter}", from(relation))
}

/// Each row's bucket source `k` and hash `h`.
fn hashed(relation: &Relation, filter: &str) -> String {
    let (hash, from) = (row_hash(relation, usual(relation)), from(relation));
    if relation.key.is_empty() {
        // OFFSET 0 keeps the planner from computing the hash once for each mention.
        format!("SELECT h AS k, h FROM (SELECT {hash} AS h {from} WHERE {filter} OFFSET 0) AS x")
    } else {
        format!("SELECT {} AS k, {hash} AS h {from} WHERE {filter}", key_hash(relation))
    }
}

/// `bucket`, `rows`, `hash`; `$1` is the division's number.
pub(super) fn buckets(relation: &Relation, slice: &Slice, by: Division) -> String {
    let (filter, _) = filter(relation, slice, 2);
    match by {
        Division::Hash { .. } => {
            format!("SELECT k & $1, count(*), sum(h)::text FROM ({}) AS r GROUP BY 1", hashed(relation, &filter))
        }
        Division::Span { .. } => format!(
            "SELECT {}::int8 >> $1::int8::int4, count(*), sum({})::text {} WHERE {filter} GROUP BY 1",
            key_row(relation),
            row_hash(relation, Look::Wide),
            from(relation)
        ),
    }
}

/// `key`, `rows`, `hash`; `$1` is the division's number, `$2` the buckets.
pub(super) fn rows_in(relation: &Relation, slice: &Slice, by: Division) -> String {
    let (filter, _) = filter(relation, slice, 3);
    if relation.key.is_empty() {
        let inner = hashed(relation, &filter);
        return format!(
            "SELECT ARRAY[h::text], count(*), sum(h)::text FROM ({inner}) AS r WHERE k & $1 = ANY ($2) GROUP BY h"
        );
    }
    let cells = format!("ARRAY[{}], 1::int8, ({})::text", key_texts(relation), row_hash(relation, Look::Wide));
    match by {
        // The condition is on the key alone, so that other rows' hashes are never computed.
        Division::Hash { .. } => format!(
            "SELECT {cells} {} WHERE {filter} AND {} & $1 = ANY ($2::int8[])",
            from(relation),
            key_hash(relation)
        ),
        // One look into the index per bucket; OFFSET 0 keeps it that way. The last key of a bucket is written so that it
        // cannot exceed the type.
        Division::Span { .. } => {
            let key = key_row(relation);
            format!(
                "SELECT x.* FROM unnest($2::int8[]) AS b(n) CROSS JOIN LATERAL (SELECT {cells} {} WHERE {filter} \
                 AND {key} >= b.n << $1::int8::int4 AND {key} <= (b.n << $1::int8::int4) + ((1::int8 << $1::int8::int4) - 1) OFFSET 0) AS x",
                from(relation)
            )
        }
    }
}

/// `key`, `rows`, `hash`, `version` of given keys: one text array per key column.
pub(super) fn rows(relation: &Relation) -> String {
    let (unnest, texts) = requested(relation);
    format!(
        "SELECT ARRAY[{texts}], count(*), sum({})::text, sum({VERSION})::text FROM {unnest} JOIN {} ON {} GROUP BY {texts}",
        row_hash(relation, Look::Close),
        home(relation),
        key_equals(relation),
    )
}

/// Another number for each version of a row.
const VERSION: &str = "hashtextextended(concat_ws(' ', t.tableoid, t.xmin, t.ctid), 0)";

/// Whether a key's text is the same wherever the server writes it.
pub(super) fn writes_alike(field: &Field) -> bool {
    const ALIKE: [&str; 9] = ["int2", "int4", "int8", "uuid", "text", "varchar", "date", "timestamp", "timestamptz"];
    ALIKE.contains(&field.base_type.as_str())
}

/// `key` of given keys as our own statements write them: one text array per key column.
pub(super) fn written(relation: &Relation) -> String {
    let (unnest, _) = requested(relation);
    let texts: Vec<String> = relation
        .key_fields()
        .enumerate()
        .map(|(i, f)| {
            let value = format!("(k.k{}::{})", i + 1, key_type(f));
            hash::writing(&value, &f.base_type, f.rendering.exact, Look::Close)
        })
        .collect();
    format!("SELECT ARRAY[{}] FROM {unnest}", texts.join(", "))
}

/// `part`, `rows`, `hash` of given keys, as many to a part as `per`: one text array per key column.
pub(super) fn sums_of(relation: &Relation, per: usize) -> String {
    let (unnest, _) = requested(relation);
    // The numbers follow the keys: k(k1, …, n).
    let unnest = unnest.replacen(" AS k(", " WITH ORDINALITY AS k(", 1);
    let unnest = format!("{}, n)", unnest.trim_end_matches(')'));
    format!(
        "SELECT (k.n - 1) / {per}, count(*), sum({})::text FROM {unnest} JOIN {} ON {} GROUP BY 1",
        row_hash(relation, Look::Wide),
        home(relation),
        key_equals(relation),
    )
}

/// The requested keys as a relation `k`, and its columns.
pub(super) fn requested(relation: &Relation) -> (String, String) {
    let each =
        |shape: &dyn Fn(usize) -> String| (1..=relation.key.len()).map(shape).collect::<Vec<String>>().join(", ");
    let unnest = format!("unnest({}) AS k({})", each(&|i| format!("${i}::text[]")), each(&|i| format!("k{i}")));
    (unnest, each(&|i| format!("k.k{i}")))
}

/// A row's key is the requested one: by its type, for the index, and by its text, since a collation may call equal what are
/// two keys.
pub(super) fn key_equals(relation: &Relation) -> String {
    let parts: Vec<String> = relation
        .key_fields()
        .enumerate()
        .map(|(i, f)| {
            let (name, text, wanted) = (quote(&f.name), key_text(f), format!("k.k{}", i + 1));
            let cast = format!("{wanted}::{}", key_type(f));
            // A request may write it in another way, but an integer has one: 007 is a key only where keys are texts.
            let written = if is_integer(f) {
                wanted
            } else {
                hash::writing(&format!("({cast})"), &f.base_type, f.rendering.exact, Look::Close)
            };
            format!("t.{name} = {cast} AND {text} COLLATE \"C\" = {written}")
        })
        .collect();
    parts.join(" AND ")
}

/// `key`, `texts` and `hashes`, one element per field, of the rows with given keys: one text array per key column. Without
/// a key `$1` holds hashes, and the rest bounds the slice that is searched.
pub(super) fn values(relation: &Relation, slice: &Slice, longest: usize) -> String {
    let texts: Vec<String> =
        relation.fields.iter().map(|f| format!("left(t.{}::text, {longest})", quote(&f.name))).collect();
    let hash = |(i, f): (usize, &Field)| hash::cell(&Value::of(f), i, Look::Close);
    let hashes: Vec<String> = relation.fields.iter().enumerate().map(hash).collect();
    let cells = format!("ARRAY[{}]::text[], ARRAY[{}]::int8[]", texts.join(", "), hashes.join(", "));
    if relation.key.is_empty() {
        let (filter, _) = filter(relation, slice, 2);
        let hash = row_hash(relation, Look::Close);
        return format!(
            "SELECT DISTINCT ON (1) ARRAY[({hash})::text], {cells} {} WHERE {filter} AND {hash} = ANY ($1::int8[])",
            from(relation)
        );
    }
    let (unnest, texts) = requested(relation);
    format!("SELECT ARRAY[{texts}], {cells} FROM {unnest} JOIN {} ON {}", home(relation), key_equals(relation),)
}

/// The key that ends the next `$1` rows.
pub(super) fn boundary(relation: &Relation, after: bool) -> String {
    let order: Vec<String> = relation.key_fields().map(|f| format!("t.{}", quote(&f.name))).collect();
    let filter =
        if after { format!("{} > {}", key_row(relation), key_parameters(relation, 2)) } else { "true".to_owned() };
    format!(
        "SELECT ARRAY[{}] {} WHERE {filter} ORDER BY {} OFFSET $1 - 1 LIMIT 1",
        key_texts(relation),
        from(relation),
        order.join(", ")
    )
}

/// Smallest and largest key of one column, as text.
pub(super) fn key_bounds(relation: &Relation) -> String {
    let key = key_row(relation);
    format!("SELECT min({key})::text, max({key})::text {}", from(relation))
}

/// Pages of the largest heap, and the correlation of the first key column; `$1` schema, `$2` table, `$3` column.
pub(super) const EXTENT: &str = "SELECT coalesce(max(pg_relation_size(p.relid)), 0) / current_setting('block_size')::int8, \
     (SELECT avg(abs(s.correlation))::float8 FROM pg_stats s \
       WHERE s.schemaname = $1 AND s.tablename = $2 AND s.attname = $3), \
     coalesce(sum(hashint8(pg_relation_filenode(p.relid)::int8)::int8), 0)::int8 \
     FROM (SELECT c.oid AS relid FROM pg_class c WHERE c.oid = format('%I.%I', $1, $2)::regclass \
           UNION SELECT relid FROM pg_partition_tree(format('%I.%I', $1, $2)::regclass)) AS p";

/// Transactions that write now, as text. Each holds a lock on its own number until its server's readers see what it did;
/// a snapshot would not list those that began after the last one ended.
pub(super) const WRITING: &str = "SELECT l.transactionid::text FROM pg_locks l \
     WHERE l.locktype = 'transactionid' AND l.mode = 'ExclusiveLock' AND l.granted";

/// How many of them, `$1`, have neither ended nor idle between two statements; and how many of those wait for a standby,
/// or do not show us what they do.
pub(super) const STILL_WRITING: &str = "SELECT count(*), count(*) FILTER (WHERE a.state IS NULL OR a.wait_event = 'SyncRep') \
       FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid \
      WHERE l.locktype = 'transactionid' AND l.mode = 'ExclusiveLock' AND l.granted AND l.transactionid::text = ANY ($1) \
        AND coalesce(a.state, '') NOT LIKE 'idle in transaction%'";

#[cfg(test)]
mod tests {
    use switchyard_model::{ident::TableName, reconcile::Key};

    use super::*;
    use crate::db::rows::Rendering;

    fn field(name: &str, base: &str, way: Way) -> Field {
        let rendering = Rendering { way, exact: false };
        Field { name: name.into(), sql_type: base.into(), base_type: base.into(), rendering }
    }

    fn relation(key: Vec<usize>) -> Relation {
        Relation {
            name: TableName::new("S", "T\"x"),
            with_partitions: false,
            root: None,
            fields: vec![field("i\"d", "int8", Way::Native), field("v", "text", Way::Bytes)],
            key,
        }
    }

    #[test]
    fn identifiers_are_quoted_and_values_are_parameters() {
        let slice = Slice::Keys { after: Some(Key(vec!["1'; DROP".into()])), upto: Some(Key(vec!["2".into()])) };
        let sql = sum(&relation(vec![0]), &slice);
        assert!(sql.contains(r#"FROM ONLY "S"."T""x" AS t"#), "{sql}");
        assert!(
            sql.contains(r#"t."i""d" > $1::text::pg_catalog."int8" AND t."i""d" <= $2::text::pg_catalog."int8""#),
            "{sql}"
        );
        assert!(!sql.contains("DROP"), "a value must never be part of the statement: {sql}");
    }

    #[test]
    fn keys_of_several_columns_are_compared_as_rows() {
        let slice = Slice::Keys { after: Some(Key(vec!["1".into(), "a".into()])), upto: None };
        let sql = sum(&relation(vec![0, 1]), &slice);
        assert!(
            sql.contains(r#"(t."i""d", t."v") > ($1::text::pg_catalog."int8", $2::text::pg_catalog."text")"#),
            "{sql}"
        );
    }

    #[test]
    fn without_a_key_the_hash_is_computed_once() {
        let sql = buckets(&relation(vec![]), &Slice::Pages { from: 0, to: Some(10) }, Division::Hash { mask: 7 });
        assert_eq!(sql.matches("hashtextextended").count(), 1, "{sql}");
        assert!(sql.contains("OFFSET 0"), "else the planner would copy it into both mentions: {sql}");
    }
}
