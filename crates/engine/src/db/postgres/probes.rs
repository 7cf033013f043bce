//! Probes: rows read by key through the application's own index, and `pg_stat_database`.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use sqlx::{AssertSqlSafe, PgConnection, Row};
use switchyard_model::ident::{TableName, quote};

use super::{PgDatabase, arrays, classify::classify};
use crate::{
    Error, Kind, Result,
    db::probes::{Answer, DatabaseCounts, Key, KeyColumn, Probes, Readable, Reader},
};

/// No probe runs longer on the server: one that does has failed, and loads it no more.
const LIMIT: &str = "SET statement_timeout = '500ms'; SET lock_timeout = '500ms'";

/// Without an answer for so long the connection is gone.
const GONE: Duration = Duration::from_secs(4);

/// One row per table and key column, the primary key before the index of the replica identity. The equality is the one
/// that the index itself uses: `pg_amop` names it by the operator class of the column.
const READABLE: &str = "SELECT n.nspname::text, c.relname::text, greatest(c.relpages, 1)::int8, \
       has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT'), \
       a.attname::text, format_type(a.atttypid, a.atttypmod), quote_ident(o.nspname) \
     FROM unnest($1::text[], $2::text[]) AS asked(schema, name) \
     JOIN pg_namespace n ON n.nspname = asked.schema \
     JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = asked.name AND c.relkind = 'r' \
     LEFT JOIN LATERAL (SELECT i.* FROM pg_index i \
       WHERE i.indrelid = c.oid AND (i.indisprimary OR i.indisreplident) AND i.indisvalid \
       ORDER BY i.indisprimary DESC LIMIT 1) i ON true \
     LEFT JOIN LATERAL unnest(i.indkey::int2[], i.indclass::oid[]) WITH ORDINALITY AS k(attnum, opclass, at) \
       ON k.at <= i.indnkeyatts \
     LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum \
     LEFT JOIN LATERAL (SELECT s.nspname FROM pg_opclass oc \
       JOIN pg_amop am ON am.amopfamily = oc.opcfamily AND am.amopstrategy = 3 AND am.amoplefttype = oc.opcintype \
         AND am.amoprighttype = oc.opcintype \
       JOIN pg_operator op ON op.oid = am.amopopr JOIN pg_namespace s ON s.oid = op.oprnamespace \
       WHERE oc.oid = k.opclass LIMIT 1) o ON true \
     ORDER BY 3 DESC, 1, 2, k.at";

/// `to_jsonb`, since the counts of sessions are not in every version.
const COUNTS: &str = "SELECT d.xact_commit + d.xact_rollback, d.xact_rollback, d.deadlocks, \
       coalesce((to_jsonb(d) ->> 'sessions_fatal')::int8, 0), coalesce((to_jsonb(d) ->> 'sessions_killed')::int8, 0) \
     FROM pg_stat_database d WHERE d.datname = current_database()";

#[async_trait]
impl Probes for PgDatabase {
    async fn reader(&self) -> Result<Box<dyn Reader>> {
        let mut connection = self.open().await?;
        sqlx::raw_sql(LIMIT).execute(&mut connection).await.map_err(self.failed("preparing to probe reads"))?;
        Ok(Box::new(PgReader { label: self.label().to_owned(), connection }))
    }

    async fn counts(&self) -> Result<DatabaseCounts> {
        let row = sqlx::query(COUNTS).fetch_one(self.pool()).await;
        // The server hands out bigint; a counter is never negative.
        let count = |row: &sqlx::postgres::PgRow, at: usize| row.try_get::<i64, _>(at).map(i64::unsigned_abs);
        row.and_then(|r| {
            Ok(DatabaseCounts {
                transactions: count(&r, 0)?,
                rollbacks: count(&r, 1)?,
                deadlocks: count(&r, 2)?,
                fatal: count(&r, 3)?,
                killed: count(&r, 4)?,
            })
        })
        .map_err(self.failed("reading what the server counts"))
    }
}

struct PgReader {
    label: String,
    connection: PgConnection,
}

impl PgReader {
    fn failed(&self, doing: String) -> impl FnOnce(sqlx::Error) -> Error + use<> {
        let doing = format!("{doing} on {}", self.label);
        move |e| classify(doing, e)
    }
}

#[async_trait]
impl Reader for PgReader {
    async fn readable(&mut self, tables: &[TableName]) -> Result<Vec<Readable>> {
        let failed = self.failed("looking for tables to probe".to_owned());
        let (schemas, names) = arrays(tables);
        let query = sqlx::query(READABLE).bind(schemas).bind(names).persistent(false);
        let rows = query.fetch_all(&mut self.connection).await.map_err(failed)?;
        let mut all: Vec<Readable> = Vec::new();
        for row in rows {
            let failed = self.failed("looking for tables to probe".to_owned());
            let (one, column) = readable(&row).map_err(failed)?;
            if all.last().is_none_or(|last| last.table != one.table) {
                all.push(one);
            }
            if let (Some(last), Some(column)) = (all.last_mut(), column) {
                last.key.push(column);
            }
        }
        Ok(all)
    }

    async fn keys(&mut self, table: &Readable, most: u32) -> Result<Vec<Key>> {
        let columns: Vec<String> = table.key.iter().map(|c| format!("{}::text", quote(&c.name))).collect();
        let all = format!("SELECT ARRAY[{}] FROM ONLY {}", columns.join(", "), table.table);
        // Rows of a few random pages, fetched by their place: as cheap in a table of a billion rows as in a small one.
        let some = format!(
            "{all} WHERE ctid = ANY (ARRAY(SELECT pg_catalog.format('(%s,%s)', page, line)::tid FROM \
             (SELECT pg_catalog.floor(pg_catalog.random() * $1)::int8 AS page FROM pg_catalog.generate_series(1, 6)) pages, \
             pg_catalog.generate_series(1, 30) line)) ORDER BY pg_catalog.random() LIMIT {most}"
        );
        let drawn = sqlx::query_scalar(AssertSqlSafe(some)).bind(table.pages as f64).persistent(false);
        let mut keys: Vec<Key> = match drawn.fetch_all(&mut self.connection).await {
            Ok(keys) => keys,
            Err(e) => return none_where_refused(e).map_err(self.failed(drawing(&table.table))),
        };
        if keys.is_empty() {
            // Its pages are mostly empty; whatever comes first will do.
            let first = sqlx::query_scalar(AssertSqlSafe(format!("{all} LIMIT {most}"))).persistent(false);
            keys = match first.fetch_all(&mut self.connection).await {
                Ok(keys) => keys,
                Err(e) => return none_where_refused(e).map_err(self.failed(drawing(&table.table))),
            };
        }
        Ok(keys)
    }

    async fn read(&mut self, table: &Readable, key: &Key) -> Result<(Answer, Duration)> {
        let mut query = sqlx::query_scalar(AssertSqlSafe(probe(table)));
        for value in key {
            query = query.bind(value);
        }
        let began = Instant::now();
        let answer: sqlx::Result<Option<String>> =
            match tokio::time::timeout(GONE, query.fetch_optional(&mut self.connection)).await {
                Ok(answer) => answer,
                Err(_) => {
                    let doing = format!("probing {} on {}", table.table.plain(), self.label);
                    return Err(Error::new(Kind::Deadline, doing, format!("no answer within {GONE:?}")));
                }
            };
        let took = began.elapsed();
        let answer = match answer {
            Ok(Some(_)) => Answer::Found,
            // A table whose first row is asked for has been read even where there is none.
            Ok(None) if key.is_empty() => Answer::Found,
            Ok(None) => Answer::Missing,
            Err(sqlx::Error::Database(e)) => match e.code().as_deref() {
                Some("42501" | "42P01" | "42703" | "3F000" | "42883") => Answer::Changed,
                Some(_) | None => Answer::Failed,
            },
            Err(e) => return Err(self.failed(format!("probing {}", table.table.plain()))(e)),
        };
        Ok((answer, took))
    }
}

/// The probe's statement. `ctid` is in no index: the row itself is fetched, as an application's read would.
fn probe(table: &Readable) -> String {
    if table.key.is_empty() {
        return format!("SELECT ctid::text FROM ONLY {} LIMIT 1", table.table);
    }
    let same = |(n, c): (usize, &KeyColumn)| {
        format!("{} OPERATOR({}.=) CAST(${} AS {})", quote(&c.name), c.equals, n + 1, c.sql_type)
    };
    let wanted: Vec<String> = table.key.iter().enumerate().map(same).collect();
    format!("SELECT ctid::text FROM ONLY {} WHERE {}", table.table, wanted.join(" AND "))
}

fn drawing(table: &TableName) -> String {
    format!("drawing keys of {}", table.plain())
}

/// A table that may not be read any more, or is locked, has no keys now; anything else is an error.
fn none_where_refused(e: sqlx::Error) -> sqlx::Result<Vec<Key>> {
    match e {
        sqlx::Error::Database(_) => Ok(Vec::new()),
        other => Err(other),
    }
}

fn readable(row: &sqlx::postgres::PgRow) -> sqlx::Result<(Readable, Option<KeyColumn>)> {
    let table = TableName { schema: row.try_get(0)?, name: row.try_get(1)? };
    let one = Readable { table, pages: row.try_get(2)?, may_read: row.try_get(3)?, key: Vec::new() };
    let (name, sql_type, equals): (Option<String>, Option<String>, Option<String>) =
        (row.try_get(4)?, row.try_get(5)?, row.try_get(6)?);
    // A wrong guess is refused by the server, and the table is then left out.
    let equals = equals.unwrap_or_else(|| "pg_catalog".to_owned());
    Ok((one, name.zip(sql_type).map(|(name, sql_type)| KeyColumn { name, sql_type, equals })))
}
