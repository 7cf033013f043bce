//! What a PostgreSQL server is asked before a plan is made.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures_util::TryStreamExt;
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};
use switchyard_model::{
    ident::{TableName, quote},
    plan::pools::Room,
};

use super::{PgDatabase, options::APPLICATION};
use crate::{
    Result,
    db::load::{Bytes, Load, Loads, Sample, TakenIn},
};

/// No statement of a measurement runs longer.
const LIMIT: &str = "SET statement_timeout = '20s'; SET lock_timeout = '1s'";

/// Counters of this database and the log's end.
const COUNTERS: &str = "SELECT (d.xact_commit + d.xact_rollback)::float8, (d.tup_inserted + d.tup_updated + d.tup_deleted)::float8, \
     (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::float8 FROM pg_stat_database d WHERE d.datname = current_database()";

const ROOM: &str = "SELECT current_setting('max_connections')::int8, \
     current_setting('superuser_reserved_connections')::int8 + coalesce(current_setting('reserved_connections', true), '0')::int8, \
     (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND application_name NOT LIKE $1 || '%'), \
     current_setting('max_sync_workers_per_subscription')::int8";

const SIZES: &str = "SELECT n.nspname::text, c.relname::text, c.reltuples::int8, c.relpersistence = 'p', \
     coalesce(pg_table_size(c.oid), 0)::int8, coalesce(pg_indexes_size(c.oid), 0)::int8 \
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
     WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'switchyard') \
     ORDER BY 5 DESC";

/// Column names with the types that any server has; others are written as texts.
const COLUMNS: &str = "SELECT a.attname::text, CASE WHEN t.typnamespace = 'pg_catalog'::regnamespace AND t.typtype IN ('b', 'r', 'm') \
       THEN format_type(a.atttypid, a.atttypmod) ELSE 'text' END \
     FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid \
     WHERE a.attrelid = format('%I.%I', $1::text, $2::text)::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' \
     ORDER BY a.attnum";

impl PgDatabase {
    /// A connection for one measurement.
    async fn measuring(&self) -> Result<PgConnection> {
        let mut connection = self.open().await?;
        sqlx::raw_sql(LIMIT).execute(&mut connection).await.map_err(self.failed("preparing to measure"))?;
        Ok(connection)
    }
}

#[async_trait]
impl Loads for PgDatabase {
    async fn load(&self, over: Duration) -> Result<Load> {
        let counters = async || -> Result<(Instant, f64, f64, f64)> {
            let row = sqlx::query(COUNTERS).fetch_one(self.pool()).await;
            row.and_then(|r| Ok((Instant::now(), r.try_get(0)?, r.try_get(1)?, r.try_get(2)?)))
                .map_err(self.failed("reading what the server does"))
        };
        let before = counters().await?;
        tokio::time::sleep(over).await;
        let after = counters().await?;
        let seconds = after.0.duration_since(before.0).as_secs_f64().max(0.001);
        // Somebody may reset the statistics meanwhile.
        let rate = |a: f64, b: f64| ((b - a) / seconds).max(0.0);
        Ok(Load {
            transactions_per_s: rate(before.1, after.1),
            writes_per_s: rate(before.2, after.2),
            wal_bytes_per_s: rate(before.3, after.3),
        })
    }

    async fn room(&self) -> Result<Room> {
        let row = sqlx::query(ROOM).bind(APPLICATION).fetch_one(self.pool()).await;
        row.and_then(|r| {
            Ok(Room { max: r.try_get(0)?, reserved: r.try_get(1)?, used: r.try_get(2)?, sync_workers: r.try_get(3)? })
        })
        .map_err(self.failed("reading the limits of connections"))
    }

    async fn bytes(&self) -> Result<Bytes> {
        let rows: Vec<(String, String, i64, bool, i64, i64)> =
            sqlx::query_as(SIZES).fetch_all(self.pool()).await.map_err(self.failed("reading the sizes of tables"))?;
        let mut bytes = Bytes::default();
        for (schema, name, estimate, permanent, heap, indexes) in rows {
            bytes.tables += 1;
            // Never analysed: a guess from its size.
            bytes.rows += if estimate >= 0 { estimate } else { heap / 100 };
            bytes.heap += heap;
            bytes.indexes += indexes;
            if bytes.largest.is_none() && permanent && heap > 0 {
                bytes.largest = Some((TableName { schema, name }, heap));
            }
        }
        Ok(bytes)
    }

    async fn sample(&self, table: &TableName, heap_bytes: i64, most_bytes: i64) -> Result<Sample> {
        let mut connection = self.measuring().await?;
        let (asking, reading) =
            (format!("reading the columns of {}", table.plain()), format!("reading a sample of {}", table.plain()));
        let columns: Vec<(String, String)> = sqlx::query_as(COLUMNS)
            .bind(&table.schema)
            .bind(&table.name)
            .persistent(false)
            .fetch_all(&mut connection)
            .await
            .map_err(self.failed(&asking))?;
        let share = (most_bytes as f64 / heap_bytes.max(1) as f64).clamp(0.000_001, 1.0);
        let names: Vec<String> = columns.iter().map(|(name, _)| quote(name)).collect();
        let sql = format!(
            "COPY (SELECT {} FROM ONLY {table} TABLESAMPLE SYSTEM ({})) TO STDOUT",
            names.join(", "),
            share * 100.0
        );
        let began = Instant::now();
        let mut data: Vec<Vec<u8>> = Vec::new();
        let mut stream = connection.copy_out_raw(&sql).await.map_err(self.failed(&reading))?;
        while let Some(chunk) = stream.try_next().await.map_err(self.failed(&reading))? {
            data.push(chunk.to_vec());
        }
        drop(stream);
        let seconds = began.elapsed().as_secs_f64();
        // A newline within a value is written as \n, so each one ends a row.
        let rows = data.iter().map(|chunk| chunk.iter().filter(|b| **b == b'\n').count() as u64).sum();
        let _ = connection.close().await;
        let types = columns.into_iter().map(|(_, sql_type)| sql_type).collect();
        Ok(Sample { types, data, rows, heap_bytes: heap_bytes as f64 * share, seconds })
    }

    async fn take_in(&self, sample: &Sample) -> Result<TakenIn> {
        let mut connection = self.measuring().await?;
        let taken = take_in(&mut connection, sample).await.map_err(self.failed("writing a sample"));
        // Whatever happened, nothing of it stays; a connection that is gone has taken it with it.
        let _ = sqlx::raw_sql("ROLLBACK").execute(&mut connection).await;
        let _ = connection.close().await;
        taken
    }
}

async fn take_in(connection: &mut PgConnection, sample: &Sample) -> sqlx::Result<TakenIn> {
    let columns: Vec<String> = sample.types.iter().enumerate().map(|(i, t)| format!("c{i} {t}")).collect();
    // A schema of its own, since ours may not create in any other; a real table, since a temporary one writes no log.
    let make =
        format!("BEGIN; CREATE SCHEMA switchyard_sample; CREATE TABLE switchyard_sample.s ({})", columns.join(", "));
    sqlx::raw_sql(AssertSqlSafe(make)).execute(&mut *connection).await?;
    let began = Instant::now();
    let mut copy = connection.copy_in_raw("COPY switchyard_sample.s FROM STDIN").await?;
    for chunk in &sample.data {
        copy.send(chunk.as_slice()).await?;
    }
    copy.finish().await?;
    let copy_s = began.elapsed().as_secs_f64();
    if sample.types.is_empty() || sample.rows == 0 {
        return Ok(TakenIn { copy_s, ..TakenIn::default() });
    }
    let began = Instant::now();
    // Some types have no order: that a sample cannot be indexed by its first column says nothing of the copy.
    let indexed =
        sqlx::raw_sql("SAVEPOINT before; CREATE INDEX i ON switchyard_sample.s (c0)").execute(&mut *connection).await;
    if indexed.is_err() {
        sqlx::raw_sql("ROLLBACK TO before").execute(&mut *connection).await?;
        return Ok(TakenIn { copy_s, ..TakenIn::default() });
    }
    let index_s = began.elapsed().as_secs_f64();
    let index_bytes =
        sqlx::query_scalar("SELECT pg_relation_size('switchyard_sample.i')").fetch_one(connection).await?;
    Ok(TakenIn { copy_s, index_s, index_bytes })
}
