//! A session that runs statements of the traffic.
//!
//! A text goes to the server by the extended protocol alone, which takes one statement, as a `PREPARE`: the server finds the types of its
//! parameters, and the result comes by the simple protocol, as texts. It is in a read-only transaction that is rolled back.

use std::collections::HashMap;

use async_trait::async_trait;
use futures_util::TryStreamExt as _;
use sqlx::{AssertSqlSafe, Column as _, Either, PgConnection, Row as _, ValueRef as _, postgres::PgRow};
use switchyard_shadow::{Column, Failure, Lane, Piece, Row, Sample};
use tokio::sync::mpsc::Sender;

use super::{super::options::watch_client, failure, settings};

/// One snapshot for the whole result, and nothing is written.
pub(super) const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
/// Statements with parameters that stay prepared.
const PREPARED: usize = 200;
/// Rows that go on at once.
const ROWS: usize = 256;
/// Bytes that do.
const BYTES: usize = 256 << 10;

pub(super) struct One {
    connection: PgConnection,
    /// Whose settings it has.
    user: Option<String>,
    /// Which settings it was given, where it has nobody's.
    given: Vec<(String, String)>,
    /// Locales of these that it does not have.
    pub(super) missing: Vec<String>,
    prepared: HashMap<String, u32>,
    made: u32,
    /// Whether it has prepared what proves the place of an answer.
    pub(super) proves: bool,
}

impl One {
    pub(super) async fn new(mut connection: PgConnection) -> Result<One, Failure> {
        sqlx::raw_sql(settings::BASE).execute(&mut connection).await.map_err(failure)?;
        watch_client(&mut connection).await;
        Ok(One {
            connection,
            user: None,
            given: Vec::new(),
            missing: Vec::new(),
            prepared: HashMap::new(),
            made: 0,
            proves: false,
        })
    }

    pub(super) fn connection(&mut self) -> &mut PgConnection {
        &mut self.connection
    }

    /// Writes values, and finds names, as this role does.
    pub(super) async fn become_like(&mut self, user: &str) -> sqlx::Result<()> {
        if self.user.as_deref() == Some(user) {
            return Ok(());
        }
        self.user = None;
        self.forget().await?;
        settings::take(&mut self.connection, user).await?;
        watch_client(&mut self.connection).await;
        self.user = Some(user.to_owned());
        Ok(())
    }

    /// Has these settings, whatever they are of any role here.
    pub(super) async fn become_given(&mut self, settings: &[(String, String)]) -> sqlx::Result<()> {
        if self.user.is_none() && self.given == settings {
            return Ok(());
        }
        (self.user, self.given) = (None, Vec::new());
        self.forget().await?;
        self.missing = settings::give(&mut self.connection, settings).await?;
        watch_client(&mut self.connection).await;
        self.given = settings.to_vec();
        Ok(())
    }

    async fn forget(&mut self) -> sqlx::Result<()> {
        self.prepared.clear();
        self.proves = false;
        sqlx::raw_sql("DEALLOCATE ALL").execute(&mut self.connection).await.map(drop)
    }

    /// The statement under a name of ours. One with values in its text does not come again, and is not kept.
    async fn prepare(&mut self, sample: &Sample) -> sqlx::Result<u32> {
        if let Some(number) = self.prepared.get(&sample.text) {
            return Ok(*number);
        }
        if self.prepared.len() >= PREPARED {
            self.forget().await?;
        }
        self.made = self.made.wrapping_add(1);
        let sql = format!("PREPARE switchyard_{} AS {}", self.made, sample.text);
        sqlx::query(AssertSqlSafe(sql)).persistent(false).execute(&mut self.connection).await?;
        if sample.parameters.iter().flatten().next().is_some() {
            self.prepared.insert(sample.text.clone(), self.made);
        }
        Ok(self.made)
    }

    async fn within(&mut self, sample: &Sample, to: &Sender<Piece>) -> sqlx::Result<()> {
        self.become_like(&sample.user).await?;
        self.begin().await?;
        self.answer(sample, to).await
    }

    pub(super) async fn begin(&mut self) -> sqlx::Result<()> {
        sqlx::raw_sql(BEGIN).execute(&mut self.connection).await.map(drop)
    }

    /// Runs one in the transaction that has begun, and ends that.
    pub(super) async fn answer(&mut self, sample: &Sample, to: &Sender<Piece>) -> sqlx::Result<()> {
        let number = self.prepare(sample).await?;
        let values: Vec<String> = sample.parameters.iter().flatten().map(|v| literal(v.as_deref())).collect();
        let values = if values.is_empty() { String::new() } else { format!(" ({})", values.join(", ")) };
        let kept = self.prepared.contains_key(&sample.text);
        let forget = if kept { String::new() } else { format!("; DEALLOCATE switchyard_{number}") };
        let sql = format!("EXECUTE switchyard_{number}{values}{forget}; ROLLBACK");
        let mut rows = sqlx::raw_sql(AssertSqlSafe(sql)).fetch_many(&mut self.connection);
        let (mut held, mut bytes, mut first) = (Vec::new(), 0, true);
        while let Some(came) = rows.try_next().await? {
            let Either::Right(row) = came else { continue };
            if std::mem::take(&mut first) {
                send(to, Piece::Columns(columns(&row))).await;
            }
            let row = texts(&row)?;
            bytes += row.0.iter().flatten().map(String::len).sum::<usize>();
            held.push(row);
            if held.len() >= ROWS || bytes >= BYTES {
                bytes = 0;
                send(to, Piece::Rows(std::mem::take(&mut held))).await;
            }
        }
        if !held.is_empty() {
            send(to, Piece::Rows(held)).await;
        }
        Ok(())
    }
}

#[async_trait]
impl Lane for One {
    async fn run(&mut self, sample: &Sample, to: Sender<Piece>) -> Result<(), Failure> {
        let answer = self.within(sample, &to).await;
        drop(to);
        match answer {
            Ok(()) => Ok(()),
            Err(error) => Err(self.failed(error).await),
        }
    }
}

impl One {
    /// Of use for another statement, if it can be.
    pub(super) async fn failed(&mut self, error: sqlx::Error) -> Failure {
        let mut failed = failure(error);
        failed.broken |= self.end().await.is_err();
        // What was prepared for it alone is still there; and a definition that changed spoils what is kept.
        failed.broken |= self.forget().await.is_err();
        failed
    }

    /// Ends a transaction.
    pub(super) async fn end(&mut self) -> sqlx::Result<()> {
        sqlx::raw_sql("ROLLBACK").execute(&mut self.connection).await.map(drop)
    }
}

/// Nobody listens any more where it does not arrive; the rest is read all the same, so that the session stays of use.
async fn send(to: &Sender<Piece>, piece: Piece) {
    let _ = to.send(piece).await;
}

fn columns(row: &PgRow) -> Vec<Column> {
    let kind = |c: &sqlx::postgres::PgColumn| c.type_info().oid().map_or(0, |oid| oid.0);
    row.columns().iter().map(|c| Column { name: c.name().to_owned(), kind: kind(c) }).collect()
}

fn texts(row: &PgRow) -> sqlx::Result<Row> {
    let mut out = Vec::with_capacity(row.len());
    for at in 0..row.len() {
        let value = row.try_get_raw(at)?;
        out.push(match value.is_null() {
            true => None,
            false => {
                let bytes = value.as_bytes().map_err(sqlx::Error::Decode)?;
                Some(String::from_utf8_lossy(bytes).into_owned())
            }
        });
    }
    Ok(Row(out))
}

/// A value as a literal whose type the server decides. `standard_conforming_strings` is on in every session.
pub(super) fn literal(value: Option<&str>) -> String {
    value.map_or_else(|| "NULL".to_owned(), |text| format!("'{}'", text.replace('\'', "''")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_cannot_end_its_literal() {
        assert_eq!(literal(Some("it's")), "'it''s'");
        assert_eq!(literal(Some("'; DROP TABLE t; --")), "'''; DROP TABLE t; --'");
        assert_eq!(literal(Some("\\'")), "'\\'''", "a backslash is a character");
        assert_eq!((literal(None).as_str(), literal(Some("")).as_str()), ("NULL", "''"));
    }
}
