//! Reading rows for reconciliation.
//!
//! Every statement is a transaction of its own and is cut off after [`LIMIT`], so that a pass over a table of any size
//! never holds back the server's cleanup. Never writes.

mod hash;
mod rendering;
mod sql;
pub(super) mod whole;

use std::time::{Duration, Instant};

use async_trait::async_trait;
use sqlx::{
    Arguments, AssertSqlSafe, PgConnection, Row,
    postgres::{PgArguments, PgRow},
};
use switchyard_model::reconcile::Key;

use super::{PgDatabase, classify};
use crate::{
    Error, Result,
    db::rows::{CellValue, Division, Extent, Relation, Rendering, RowReader, RowSum, Rows, Slice, Sum, summed},
};

/// No statement runs longer: the promise of short transactions, kept by the server.
const LIMIT: &str = "4500ms";

/// What gives every session of ours the same text, and so the same hash, of a value.
pub(super) const ALIKE: &str = "SET extra_float_digits = 3; SET lc_monetary = 'C'; SET standard_conforming_strings = on; \
     SET quote_all_identifiers = off; SET row_security = off";

/// How long transactions may take to end that were about to.
const ENDING: Duration = Duration::from_secs(3);

/// A value is shown to this length, characters.
const LONGEST: usize = 10_000;

/// One session for rows.
struct PgRows {
    connection: PgConnection,
    label: String,
}

#[async_trait]
impl Rows for PgDatabase {
    fn rendering(&self, base_type: &str, exact: bool) -> Rendering {
        rendering::of(base_type, exact)
    }

    async fn open(&self) -> Result<Box<dyn RowReader>> {
        let mut connection = PgDatabase::open(self).await?;
        // A slice is read in the heap's order through a bitmap, which costs less than one descent per row; sums are
        // hashed, which costs a third of sorting them. Both are this session's alone. No parallel workers: how much of
        // the server we take is ours to decide, by the number of sessions. Compiling a statement costs more than one slice.
        // Texts are the same whatever the server's configuration says, and a policy that would hide rows is an error.
        let settings = format!(
            "SET statement_timeout = '{LIMIT}'; SET default_transaction_read_only = on; \
             SET max_parallel_workers_per_gather = 0; SET enable_sort = off; SET enable_indexscan = off; \
             SET jit = off; SET work_mem = '16MB'; {ALIKE}"
        );
        sqlx::raw_sql(AssertSqlSafe(settings))
            .execute(&mut connection)
            .await
            .map_err(self.failed("preparing to read rows"))?;
        Ok(Box::new(PgRows { connection, label: self.label().to_owned() }))
    }
}

impl PgRows {
    fn failed(&self, doing: &str, relation: &Relation) -> impl FnOnce(sqlx::Error) -> Error + use<> {
        let doing = format!("{doing} {} on {}", relation.name.plain(), self.label);
        move |e| classify::classify(doing, e)
    }

    /// For what an index answers by itself: ends and places of keys.
    async fn by_index(&mut self, sql: String, arguments: PgArguments) -> sqlx::Result<Vec<PgRow>> {
        sqlx::raw_sql("SET enable_indexscan = on").execute(&mut self.connection).await?;
        let found = self.fetch(sql, arguments).await;
        sqlx::raw_sql("SET enable_indexscan = off").execute(&mut self.connection).await?;
        found
    }

    /// Rows with given keys of a relation that has some. A key that this side's types cannot hold has no row.
    async fn with_keys(&mut self, relation: &Relation, sql: &str, keys: &[Key]) -> sqlx::Result<Vec<PgRow>> {
        let mut found = Vec::new();
        let mut parts = vec![keys];
        while let Some(part) = parts.pop() {
            let mut arguments = PgArguments::default();
            bind_keys(&mut arguments, relation, part)?;
            match self.fetch(sql.to_owned(), arguments).await {
                Ok(rows) => found.extend(rows),
                Err(e) if is_unfit(&e) => {
                    let (one, other) = part.split_at(part.len() / 2);
                    parts.extend([one, other].into_iter().filter(|half| !half.is_empty() && half.len() < part.len()));
                }
                Err(e) => return Err(e),
            }
        }
        Ok(found)
    }

    async fn fetch(&mut self, sql: String, arguments: PgArguments) -> sqlx::Result<Vec<PgRow>> {
        // Not kept as a prepared statement: there are as many as tables, and a generic plan would not know the slice.
        sqlx::query_with(AssertSqlSafe(sql), arguments).persistent(false).fetch_all(&mut self.connection).await
    }
}

/// Whether a value cannot be cast to a type here: out of its range, not in its enum, refused by its domain, not in the
/// server's encoding.
fn is_unfit(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|e| e.code());
    // data_exception and its kin; check_violation is what a domain says.
    code.is_some_and(|code| code.starts_with("22") || code == "23514")
}

/// Binds the bounds of a slice in the order in which the statements number them.
fn bind_slice(arguments: &mut PgArguments, slice: &Slice) -> sqlx::Result<()> {
    let keys = match slice {
        Slice::Keys { after, upto } => [after.as_ref(), upto.as_ref()],
        Slice::Whole | Slice::Pages { .. } => [None, None],
    };
    for text in keys.into_iter().flatten().flat_map(|k| &k.0) {
        arguments.add(text).map_err(sqlx::Error::Encode)?;
    }
    Ok(())
}

/// Binds one array per key column; without a key, one of hashes.
pub(super) fn bind_keys(arguments: &mut PgArguments, relation: &Relation, keys: &[Key]) -> sqlx::Result<()> {
    let column = |i: usize| keys.iter().map(move |k| k.0.get(i).map_or("", String::as_str));
    if relation.key.is_empty() {
        // A text that is no number is no hash, and matches no row.
        let hashes: Vec<i64> = column(0).filter_map(|t| t.parse().ok()).collect();
        return arguments.add(hashes).map_err(sqlx::Error::Encode);
    }
    for i in 0..relation.key.len() {
        arguments.add(column(i).collect::<Vec<&str>>()).map_err(sqlx::Error::Encode)?;
    }
    Ok(())
}

fn parse_sum(row: &PgRow, rows: usize, hash: usize) -> sqlx::Result<Sum> {
    let text: &str = row.try_get(hash)?;
    let hash = text.parse().map_err(|e| sqlx::Error::Decode(Box::new(e)))?;
    Ok(Sum { rows: row.try_get(rows)?, hash })
}

fn parse_rows(found: &[PgRow]) -> sqlx::Result<Vec<RowSum>> {
    found.iter().map(|r| Ok(RowSum { key: Key(r.try_get(0)?), sum: parse_sum(r, 1, 2)?, version: 0 })).collect()
}

/// The same with the rows' versions.
fn parse_versions(found: &[PgRow]) -> sqlx::Result<Vec<RowSum>> {
    let mut rows = parse_rows(found)?;
    for (row, from) in rows.iter_mut().zip(found) {
        row.version = parse_sum(from, 1, 3)?.hash;
    }
    Ok(rows)
}

#[async_trait]
impl RowReader for PgRows {
    fn label(&self) -> &str {
        &self.label
    }

    async fn constant(&mut self, base_type: &str, rendering: Rendering) -> Result<Option<i64>> {
        match self.fetch(rendering::constant(base_type, rendering), PgArguments::default()).await {
            Ok(found) => Ok(found.first().map(|r| r.try_get(0)).transpose().ok().flatten()),
            // A type that this version does not have.
            Err(e) if e.as_database_error().is_some() => Ok(None),
            Err(e) => Err(classify::classify(format!("comparing hash functions on {}", self.label), e)),
        }
    }

    async fn extent(&mut self, relation: &Relation) -> Result<Extent> {
        let column = relation.key_fields().next().map_or("", |f| f.name.as_str());
        let row = sqlx::query(sql::EXTENT)
            .bind(&relation.name.schema)
            .bind(&relation.name.name)
            .bind(column)
            .persistent(false)
            .fetch_one(&mut self.connection)
            .await
            .and_then(|r| Ok(Extent { pages: r.try_get(0)?, correlation: r.try_get(1)?, heap: r.try_get(2)? }));
        row.map_err(self.failed("reading the size of", relation))
    }

    async fn key_bounds(&mut self, relation: &Relation) -> Result<Option<(Key, Key)>> {
        let found = self.by_index(sql::key_bounds(relation), PgArguments::default()).await;
        let pair = |rows: Vec<PgRow>| -> sqlx::Result<Option<(Key, Key)>> {
            let Some(row) = rows.first() else { return Ok(None) };
            let (low, high): (Option<String>, Option<String>) = (row.try_get(0)?, row.try_get(1)?);
            Ok(low.zip(high).map(|(l, h)| (Key(vec![l]), Key(vec![h]))))
        };
        found.and_then(pair).map_err(self.failed("reading the bounds of", relation))
    }

    async fn boundary(&mut self, relation: &Relation, after: Option<&Key>, rows: i64) -> Result<Option<Key>> {
        let failed = self.failed("dividing", relation);
        let mut arguments = PgArguments::default();
        let bound = arguments
            .add(rows)
            .map_err(sqlx::Error::Encode)
            .and_then(|()| bind_slice(&mut arguments, &Slice::Keys { after: after.cloned(), upto: None }));
        match bound {
            Ok(()) => self.by_index(sql::boundary(relation, after.is_some()), arguments).await,
            Err(e) => Err(e),
        }
        .and_then(|rows| rows.first().map(|r| r.try_get(0).map(Key)).transpose())
        .map_err(failed)
    }

    async fn sum(&mut self, relation: &Relation, slice: &Slice) -> Result<Sum> {
        let failed = self.failed("digesting", relation);
        let mut arguments = PgArguments::default();
        match bind_slice(&mut arguments, slice) {
            Ok(()) => self.fetch(sql::sum(relation, slice), arguments).await,
            Err(e) => Err(e),
        }
        .and_then(|rows| rows.first().map_or(Ok(Sum::default()), |r| parse_sum(r, 0, 1)))
        .map_err(failed)
    }

    async fn buckets(&mut self, relation: &Relation, slice: &Slice, by: Division) -> Result<Vec<(i64, Sum)>> {
        let failed = self.failed("digesting", relation);
        let mut arguments = PgArguments::default();
        let bound =
            arguments.add(by.number()).map_err(sqlx::Error::Encode).and_then(|()| bind_slice(&mut arguments, slice));
        match bound {
            Ok(()) => self.fetch(sql::buckets(relation, slice, by), arguments).await,
            Err(e) => Err(e),
        }
        .and_then(|rows| rows.iter().map(|r| Ok((r.try_get(0)?, parse_sum(r, 1, 2)?))).collect())
        .map_err(failed)
    }

    async fn rows_in(
        &mut self,
        relation: &Relation,
        slice: &Slice,
        by: Division,
        buckets: &[i64],
    ) -> Result<Vec<RowSum>> {
        let failed = self.failed("reading differing rows of", relation);
        let mut arguments = PgArguments::default();
        let bound = arguments
            .add(by.number())
            .and_then(|()| arguments.add(buckets))
            .map_err(sqlx::Error::Encode)
            .and_then(|()| bind_slice(&mut arguments, slice));
        match bound {
            Ok(()) => self.fetch(sql::rows_in(relation, slice, by), arguments).await,
            Err(e) => Err(e),
        }
        .and_then(|rows| parse_rows(&rows))
        .map_err(failed)
    }

    async fn rows(&mut self, relation: &Relation, keys: &[Key]) -> Result<Vec<RowSum>> {
        let failed = self.failed("reading rows of", relation);
        let found = self.with_keys(relation, &sql::rows(relation), keys).await;
        found.and_then(|rows| parse_versions(&rows)).map_err(failed)
    }

    async fn written(&mut self, relation: &Relation, keys: Vec<Key>) -> Result<Vec<Key>> {
        if relation.key_fields().all(sql::writes_alike) {
            return Ok(keys);
        }
        let failed = self.failed("reading keys of", relation);
        let found = self.with_keys(relation, &sql::written(relation), &keys).await;
        found.and_then(|rows| rows.iter().map(|r| r.try_get(0).map(Key)).collect()).map_err(failed)
    }

    async fn sums_of(&mut self, relation: &Relation, keys: &[Key], per: usize) -> Result<Vec<(i64, Sum)>> {
        let failed = self.failed("digesting rows of", relation);
        let mut arguments = PgArguments::default();
        let found = match bind_keys(&mut arguments, relation, keys) {
            Ok(()) => self.by_index(sql::sums_of(relation, per.max(1)), arguments).await,
            Err(e) => Err(e),
        };
        match found {
            Err(e) if is_unfit(&e) => Ok(summed(&self.rows(relation, keys).await?, keys, per)),
            found => found
                .and_then(|rows| rows.iter().map(|r| Ok((r.try_get(0)?, parse_sum(r, 1, 2)?))).collect())
                .map_err(failed),
        }
    }

    async fn values(&mut self, relation: &Relation, slice: &Slice, keys: &[Key]) -> Result<Vec<(Key, Vec<CellValue>)>> {
        let failed = self.failed("reading rows of", relation);
        let statement = sql::values(relation, slice, LONGEST);
        let found = if relation.key.is_empty() {
            let mut arguments = PgArguments::default();
            match bind_keys(&mut arguments, relation, keys).and_then(|()| bind_slice(&mut arguments, slice)) {
                Ok(()) => self.fetch(statement, arguments).await,
                Err(e) => Err(e),
            }
        } else {
            self.with_keys(relation, &statement, keys).await
        };
        let cells = |row: &PgRow| -> sqlx::Result<(Key, Vec<CellValue>)> {
            let (texts, hashes): (Vec<Option<String>>, Vec<i64>) = (row.try_get(1)?, row.try_get(2)?);
            let cells = texts.into_iter().zip(hashes).map(|(text, hash)| CellValue { text, hash });
            Ok((Key(row.try_get(0)?), cells.collect()))
        };
        found.and_then(|rows| rows.iter().map(cells).collect()).map_err(failed)
    }

    async fn writers_ended(&mut self) -> Result<bool> {
        let label = self.label.clone();
        let failed = move |e| classify::classify(format!("waiting for transactions to end on {label}"), e);
        let began = Instant::now();
        let writing: sqlx::Result<Vec<String>> =
            sqlx::query_scalar(sql::WRITING).persistent(false).fetch_all(&mut self.connection).await;
        let writing = writing.map_err(failed.clone())?;
        loop {
            let (left, unclear): (i64, i64) = sqlx::query_as(sql::STILL_WRITING)
                .bind(&writing)
                .persistent(false)
                .fetch_one(&mut self.connection)
                .await
                .map_err(failed.clone())?;
            if left == 0 {
                return Ok(true);
            }
            if began.elapsed() > ENDING {
                // What goes on for so long is at work and not in its commit, which takes as long only for a standby.
                return Ok(unclear == 0);
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    async fn close(self: Box<Self>) {
        // The session is ours alone; a failed good-bye changes nothing.
        let _ = sqlx::Connection::close(self.connection).await;
    }
}
