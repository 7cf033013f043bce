//! Counting and hashing rows by key, for tables that differed as a whole.
//!
//! A key travels as the hash of the primary key's columns, so that every shape of key takes eight bytes. Where there is no
//! primary key the hash of the whole row is the key, and rows are compared as a multiset.

use async_trait::async_trait;
use sqlx::{AssertSqlSafe, postgres::PgArguments, query::Query};
use switchyard_model::inventory::{Column, Table};

use super::{PgDatabase, digest};
use crate::{
    Result,
    db::{KeyDigest, KeyDigests, TableDigest},
};

#[async_trait]
impl KeyDigests for PgDatabase {
    async fn buckets(&self, table: &Table, mask: i64) -> Result<Vec<(i64, TableDigest)>> {
        let sql = format!("SELECT k & $1, count(*), sum(h)::text FROM ({}) AS r GROUP BY 1", rows(table));
        let found: Vec<(i64, i64, String)> = self.read(table, &sql, |q| q.bind(mask)).await?;
        Ok(found.into_iter().map(|(bucket, rows, sum)| (bucket, TableDigest { rows, sum })).collect())
    }

    async fn keys_in(&self, table: &Table, mask: i64, buckets: &[i64]) -> Result<Vec<KeyDigest>> {
        let sql =
            format!("SELECT k, count(*), sum(h)::text FROM ({}) AS r WHERE k & $1 = ANY ($2) GROUP BY 1", rows(table));
        let found = self.read(table, &sql, |q| q.bind(mask).bind(buckets.to_vec())).await?;
        Ok(found.into_iter().map(|(key, rows, sum)| KeyDigest { key, rows, sum }).collect())
    }

    async fn keys(&self, table: &Table, keys: &[i64]) -> Result<Vec<KeyDigest>> {
        let sql = format!("SELECT k, count(*), sum(h)::text FROM ({}) AS r WHERE k = ANY ($1) GROUP BY 1", rows(table));
        let found = self.read(table, &sql, |q| q.bind(keys.to_vec())).await?;
        Ok(found.into_iter().map(|(key, rows, sum)| KeyDigest { key, rows, sum }).collect())
    }
}

impl PgDatabase {
    async fn read<'q>(
        &self,
        table: &Table,
        sql: &'q str,
        bind: impl FnOnce(Query<'q, sqlx::Postgres, PgArguments>) -> Query<'q, sqlx::Postgres, PgArguments>,
    ) -> Result<Vec<(i64, i64, String)>> {
        let doing = format!("digesting the rows of {}", table.name.plain());
        let failed = || self.failed(&doing);
        let mut transaction = self.pool().begin_with("BEGIN READ ONLY").await.map_err(failed())?;
        sqlx::raw_sql("SET LOCAL statement_timeout = 0").execute(&mut *transaction).await.map_err(failed())?;
        let query = bind(sqlx::query(AssertSqlSafe(sql.to_owned())).persistent(false));
        let rows = query.fetch_all(&mut *transaction).await.map_err(failed())?;
        transaction.commit().await.map_err(failed())?;
        rows.iter()
            .map(|r| {
                use sqlx::Row;
                Ok((r.try_get(0)?, r.try_get(1)?, r.try_get(2)?))
            })
            .collect::<std::result::Result<_, sqlx::Error>>()
            .map_err(failed())
    }
}

/// Each row's key hash `k` and row hash `h`.
fn rows(table: &Table) -> String {
    let row = hash(table.columns.iter().filter(|c| !c.generated));
    let key = if table.primary_key.is_empty() {
        row.clone()
    } else {
        hash(table.primary_key.iter().filter_map(|k| table.columns.iter().find(|c| &c.name == k)))
    };
    format!("SELECT {key} AS k, {row} AS h FROM ONLY {} AS t", table.name)
}

fn hash<'a>(columns: impl Iterator<Item = &'a Column>) -> String {
    let list: Vec<String> = columns.map(digest::expression).collect();
    if list.is_empty() { "0::bigint".to_owned() } else { format!("hash_record_extended(ROW({}), 0)", list.join(", ")) }
}
