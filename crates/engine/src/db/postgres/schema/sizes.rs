//! Sizes and rows of tables, last values of sequences.

use std::collections::HashMap;

use serde::Deserialize;
use switchyard_model::{
    ident::TableName,
    schema::{Item, sequence::Sequence},
};

use super::{
    fragment::{SCHEMAS_IN_SCOPE, own},
    reading::Reading,
};
use crate::Result;

/// Sequences per statement.
const BATCH: usize = 200;

/// Tables, partitions and materialised views. The hint at bloat compares the heap with what its rows need at the widths that
/// the planner knows: 24 bytes of header, 4 of pointer and the columns.
pub(super) fn sql() -> String {
    format!(
        "SELECT ARRAY[n.nspname, c.relname]::text[] AS name, pg_relation_size(c.oid) AS heap_bytes, \
                coalesce(pg_indexes_size(c.oid), 0) AS index_bytes, \
                CASE WHEN c.reltoastrelid <> 0 THEN pg_total_relation_size(c.reltoastrelid) ELSE 0 END AS toast_bytes, \
                c.reltuples::int8 AS estimated_rows, coalesce(pg_stat_get_dead_tuples(c.oid), 0) AS dead_rows, \
                CASE WHEN c.relpages >= 16 AND c.reltuples > 0 AND w.width IS NOT NULL THEN \
                  round(greatest(0, 1 - c.reltuples * (28 + w.width) / (c.relpages * current_setting('block_size')::float8))::numeric, 2)::float8 \
                  END AS bloat_hint \
           FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
           LEFT JOIN (SELECT schemaname, tablename, sum(avg_width * (1 - null_frac)) AS width FROM pg_stats WHERE NOT inherited \
                       GROUP BY 1, 2) w ON w.schemaname = n.nspname AND w.tablename = c.relname \
          WHERE c.relkind IN ('r', 'm') AND {SCHEMAS_IN_SCOPE} AND {} ORDER BY n.nspname, c.relname",
        own("pg_class", "c.oid")
    )
}

#[derive(Deserialize)]
struct Last {
    at: usize,
    last: Option<i64>,
}

#[derive(Deserialize)]
struct Readable {
    oid: u32,
}

/// Reads each sequence's last value from its one row: the server's function for it would take a lock that can stand in the
/// way of ALTER SEQUENCE.
pub(super) async fn read_last_values(reading: &mut Reading<'_>, sequences: &mut [Sequence]) -> Result<()> {
    let allowed = "SELECT c.oid::int8 AS oid FROM pg_class c WHERE CASE WHEN c.relkind = 'S' \
                   THEN has_sequence_privilege(c.oid, 'SELECT') AND has_schema_privilege(c.relnamespace, 'USAGE') END";
    let allowed: HashMap<u32, ()> = reading.list::<Readable>(&[], allowed).await?.iter().map(|r| (r.oid, ())).collect();
    for sequence in sequences.iter().filter(|s| !allowed.contains_key(&s.head.oid)) {
        let why = "Its last value takes SELECT on it, and USAGE on its schema.".to_owned();
        reading.not_seen(&format!("sequence {}", sequence.shown()), None, why);
    }
    let seen: Vec<usize> = (0..sequences.len()).filter(|&at| allowed.contains_key(&sequences[at].head.oid)).collect();
    for batch in seen.chunks(BATCH) {
        let one = |at: &usize| match sequences[*at].head.name.as_slice() {
            [schema, name] => Some(format!(
                "SELECT {at} AS at, CASE WHEN is_called THEN last_value END AS last FROM {}",
                TableName::new(schema, name)
            )),
            _ => None,
        };
        let sql: Vec<String> = batch.iter().filter_map(one).collect();
        for Last { at, last } in reading.list(&[], &sql.join(" UNION ALL ")).await? {
            if let Some(sequence) = sequences.get_mut(at) {
                sequence.last_value = last;
            }
        }
    }
    Ok(())
}
