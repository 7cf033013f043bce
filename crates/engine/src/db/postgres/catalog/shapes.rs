//! What tables look like to a stream, in a text per table that is the same on every version.

use switchyard_model::{drift::Shapes, ident::TableName};

use super::{NOT_OF_AN_EXTENSION, SCHEMAS_IN_SCOPE};
use crate::{Result, db::postgres::PgDatabase};

/// Columns by their names, since their order does not matter to a stream, and types with their schemas, whatever the search
/// path is; the text itself stays on the server.
pub(super) async fn read(db: &PgDatabase) -> Result<Shapes> {
    let sql = format!(
        "SELECT n.nspname::text, c.relname::text, md5(concat_ws('|', c.relkind, c.relpersistence, c.relreplident, \
           (SELECT string_agg(format('%I %I.%I(%s)%s%s', a.attname, tn.nspname, t.typname, a.atttypmod, \
                     CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END, CASE WHEN a.attgenerated <> '' THEN ' generated' ELSE '' END), \
                     ',' ORDER BY a.attname) \
              FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid JOIN pg_namespace tn ON tn.oid = t.typnamespace \
             WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped), \
           (SELECT string_agg(a.attname::text, ',' ORDER BY k.n) \
              FROM pg_index i CROSS JOIN unnest(i.indkey) WITH ORDINALITY AS k(attnum, n) \
              JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum \
             WHERE i.indrelid = c.oid AND i.indisprimary))) \
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE c.relkind IN ('r', 'p') AND {SCHEMAS_IN_SCOPE} AND {NOT_OF_AN_EXTENSION}"
    );
    let rows: Vec<(String, String, String)> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .fetch_all(db.pool())
        .await
        .map_err(db.failed("reading what the tables look like"))?;
    Ok(rows.into_iter().map(|(schema, name, shape)| (TableName { schema, name }.to_string(), shape)).collect())
}

/// Whatever alters a table writes a row of these catalogs anew, with the number of its transaction, or removes one.
const MARK: &str = "SELECT concat_ws('/', \
     (SELECT count(*) || ' ' || sum(xmin::text::int8) FROM pg_attribute), \
     (SELECT count(*) || ' ' || sum(xmin::text::int8) FROM pg_class), \
     (SELECT count(*) || ' ' || sum(xmin::text::int8) FROM pg_index))";

/// A tenth of what reading the shapes costs.
pub(super) async fn mark(db: &PgDatabase) -> Result<String> {
    sqlx::query_scalar(MARK).fetch_one(db.pool()).await.map_err(db.failed("looking whether a table was altered"))
}
