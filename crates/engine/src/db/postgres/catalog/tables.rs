//! Tables and their columns: two statements, put together here.

use std::collections::HashMap;

use sqlx::{
    AssertSqlSafe, Row,
    postgres::{PgRow, types::Oid},
};
use switchyard_model::{
    ident::TableName,
    inventory::{Column, ReplicaIdentity, Table, TableKind},
};

use super::{NOT_OF_AN_EXTENSION, SCHEMAS_IN_SCOPE};
use crate::{Error, Kind, Result, db::postgres::PgDatabase};

/// `FROM … WHERE …` of the tables in scope.
fn scope() -> String {
    scope_of("'r', 'p', 'f'")
}

fn scope_of(kinds: &str) -> String {
    format!(
        "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE c.relkind IN ({kinds}) AND {SCHEMAS_IN_SCOPE} AND {NOT_OF_AN_EXTENSION}"
    )
}

/// All tables in scope.
///
/// The estimate of a heap without a page is exactly 0; one with pages that the planner takes for empty is -1, not known,
/// because it may have been filled since.
pub(super) async fn read(database: &PgDatabase) -> Result<Vec<Table>> {
    let mut columns = columns(database).await?;
    let sql = format!(
        "SELECT c.oid, n.nspname::text, c.relname::text, c.relkind::text AS kind, c.relreplident::text AS identity, \
                c.relpersistence = 'u' AS unlogged, \
                CASE WHEN c.relkind <> 'r' OR c.reltuples > 0 THEN c.reltuples::int8 \
                     WHEN pg_relation_size(c.oid) = 0 THEN 0 ELSE -1 END AS rows, \
                pg_total_relation_size(c.oid) AS bytes, \
                pn.nspname::text AS parent_schema, p.relname::text AS parent, \
                coalesce((SELECT array_agg(a.attname::text ORDER BY k.ord) FROM pg_index x \
                            CROSS JOIN LATERAL unnest(x.indkey::int2[]) WITH ORDINALITY AS k(attnum, ord) \
                            JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum \
                           WHERE x.indrelid = c.oid AND x.indisprimary AND k.ord <= x.indnkeyatts), '{{}}') AS key, \
                EXISTS (SELECT FROM pg_index x WHERE x.indrelid = c.oid AND x.indisreplident) AS identity_index \
           FROM (SELECT c.* {}) c JOIN pg_namespace n ON n.oid = c.relnamespace \
           LEFT JOIN pg_inherits i ON i.inhrelid = c.oid AND c.relispartition \
           LEFT JOIN pg_class p ON p.oid = i.inhparent LEFT JOIN pg_namespace pn ON pn.oid = p.relnamespace \
          ORDER BY n.nspname, c.relname",
        scope()
    );
    let rows = sqlx::query(AssertSqlSafe(sql))
        .fetch_all(database.pool())
        .await
        .map_err(database.failed("reading the tables"))?;
    rows.iter()
        .map(|row| table(database, row, columns.remove(&row.get::<Oid, _>("oid").0).unwrap_or_default()))
        .collect()
}

/// Those tables and sequences in scope whose owner our role is not, for people.
pub(super) async fn not_owned(database: &PgDatabase) -> Result<Vec<String>> {
    let sql = format!(
        "SELECT CASE c.relkind WHEN 'S' THEN 'sequence ' ELSE '' END || n.nspname || '.' || c.relname {} \
            AND NOT pg_has_role(current_user, c.relowner, 'USAGE') ORDER BY c.relkind = 'S', n.nspname, c.relname",
        scope_of("'r', 'p', 'f', 'S'")
    );
    sqlx::query_scalar(AssertSqlSafe(sql))
        .fetch_all(database.pool())
        .await
        .map_err(database.failed("reading the owners of the tables"))
}

fn table(database: &PgDatabase, row: &PgRow, columns: Vec<Column>) -> Result<Table> {
    let name = TableName::new(row.get::<String, _>("nspname"), row.get::<String, _>("relname"));
    let unknown = |what: &str, word: &str| {
        let doing = format!("reading {} on {}", name.plain(), database.label());
        Error::new(Kind::Unsuitable, doing, format!("its {what} “{word}” is one that this version does not know"))
    };
    let kind = match row.get::<&str, _>("kind") {
        "r" => TableKind::Ordinary,
        "p" => TableKind::Partitioned,
        "f" => TableKind::Foreign,
        other => return Err(unknown("kind", other)),
    };
    let replica_identity = match row.get::<&str, _>("identity") {
        "d" => ReplicaIdentity::Default,
        "f" => ReplicaIdentity::Full,
        // An index that was dropped leaves the word behind, and then there is nothing.
        "i" if row.get("identity_index") => ReplicaIdentity::Index,
        "i" | "n" => ReplicaIdentity::Nothing,
        other => return Err(unknown("replica identity", other)),
    };
    let partition_of = row
        .get::<Option<String>, _>("parent_schema")
        .zip(row.get::<Option<String>, _>("parent"))
        .map(|(schema, parent)| TableName::new(schema, parent));
    Ok(Table {
        kind,
        partition_of,
        unlogged: row.get("unlogged"),
        columns,
        primary_key: row.get("key"),
        replica_identity,
        estimated_rows: row.get("rows"),
        bytes: row.get("bytes"),
        name,
    })
}

/// Columns of all tables in scope, by the table's oid.
///
/// The base type is a type's own name where the system made it, and schema-qualified where somebody else did: nobody's
/// `int4` is taken for the real one.
async fn columns(database: &PgDatabase) -> Result<HashMap<u32, Vec<Column>>> {
    let sql = format!(
        "WITH RECURSIVE base AS ( \
           SELECT t.oid AS type, t.typbasetype AS under FROM pg_type t WHERE t.typtype = 'd' \
           UNION ALL SELECT b.type, t.typbasetype FROM base b JOIN pg_type t ON t.oid = b.under WHERE t.typtype = 'd'), \
         ground AS (SELECT b.type, b.under FROM base b JOIN pg_type t ON t.oid = b.under WHERE t.typtype <> 'd') \
         SELECT a.attrelid, a.attname::text, format_type(a.atttypid, a.atttypmod) AS sql_type, \
                CASE WHEN tn.nspname = 'pg_catalog' THEN t.typname::text ELSE tn.nspname || '.' || t.typname END AS base, \
                a.attnotnull, a.attgenerated <> '' AS generated \
           FROM pg_attribute a JOIN (SELECT c.oid {}) c ON c.oid = a.attrelid \
           LEFT JOIN ground g ON g.type = a.atttypid \
           JOIN pg_type t ON t.oid = coalesce(g.under, a.atttypid) JOIN pg_namespace tn ON tn.oid = t.typnamespace \
          WHERE a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attrelid, a.attnum",
        scope()
    );
    let rows = sqlx::query(AssertSqlSafe(sql))
        .fetch_all(database.pool())
        .await
        .map_err(database.failed("reading the columns"))?;
    let mut out: HashMap<u32, Vec<Column>> = HashMap::new();
    for row in &rows {
        out.entry(row.get::<Oid, _>("attrelid").0).or_default().push(Column {
            name: row.get("attname"),
            sql_type: row.get("sql_type"),
            base_type: row.get("base"),
            not_null: row.get("attnotnull"),
            generated: row.get("generated"),
        });
    }
    Ok(out)
}
