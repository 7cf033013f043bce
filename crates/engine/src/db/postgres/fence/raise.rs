//! The raised fence: one open transaction on a connection of its own.
//!
//! Everything it did is undone by the server when this connection ends, or when it says nothing for the order's
//! `idle_timeout_ms`. It must never be left executing: a backend that waits for its client notices at once.

use std::{
    fmt::Display,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use futures_util::TryStreamExt;
use sqlx::{AssertSqlSafe, Connection, Either, PgConnection, Row};
use switchyard_model::ident::literal;

use super::sql;
use crate::{
    Error, Kind, Result,
    db::{
        FenceOrder, RaisedFence,
        postgres::{PgDatabase, classify},
    },
};

/// An open transaction that holds locks, triggers and valve.
pub(super) struct Raised {
    connection: PgConnection,
    label: String,
}

/// Opens the fence's connection ahead of the write pause, or finds the one from before still alive.
pub(super) async fn arm(database: &PgDatabase) -> Result<()> {
    let mut armed = database.armed.lock().await;
    if let Some(connection) = armed.as_mut()
        && connection.ping().await.is_ok()
    {
        return Ok(());
    }
    *armed = Some(open(database).await?);
    Ok(())
}

/// A connection that, where our role may, finds out about deadlocks fast: then an autovacuum in the way is sent home
/// after 10 ms instead of a second, and of two that wait for each other it is us who give up, not the application.
async fn open(database: &PgDatabase) -> Result<PgConnection> {
    let mut connection = database.open().await?;
    let (superuser, version): (bool, i32) =
        sqlx::query_as("SELECT current_setting('is_superuser') = 'on', current_setting('server_version_num')::int4")
            .fetch_one(&mut connection)
            .await
            .map_err(database.failed("preparing the fence's connection"))?;
    let may = superuser
        || version >= 150_000
            && sqlx::query_scalar("SELECT has_parameter_privilege('deadlock_timeout', 'SET')")
                .fetch_one(&mut connection)
                .await
                .map_err(database.failed("preparing the fence's connection"))?;
    if may {
        sqlx::raw_sql("SET deadlock_timeout = '10ms'")
            .execute(&mut connection)
            .await
            .map_err(database.failed("preparing the fence's connection"))?;
    }
    Ok(connection)
}

/// Gains the locks and raises, all uncommitted.
pub(super) async fn raise(database: &PgDatabase, order: &FenceOrder) -> Result<Raised> {
    if order.tables.is_empty() {
        let why = "no tables were named, so nothing would refuse writes";
        return Err(Error::new(Kind::Invalid, format!("raising the fence on {}", database.label()), why));
    }
    let mut connection = take(database).await?;
    let publication_exists = lock(database, &mut connection, order).await?;
    // One string, one round trip, whatever the number of tables.
    let refuse = sql::refuse(order, publication_exists).join("; ");
    sqlx::raw_sql(AssertSqlSafe(refuse))
        .execute(&mut connection)
        .await
        .map_err(database.failed("raising the fence"))?;
    Ok(Raised { connection, label: database.label().to_owned() })
}

/// The armed connection if it lives, else a new one.
async fn take(database: &PgDatabase) -> Result<PgConnection> {
    let armed = database.armed.lock().await.take();
    match armed {
        Some(mut connection) => match connection.ping().await {
            Ok(()) => Ok(connection),
            Err(_) => open(database).await,
        },
        None => open(database).await,
    }
}

/// Begins and locks; says whether there is a valve to close. Lets go and tries again as long as the order's limit allows.
async fn lock(database: &PgDatabase, connection: &mut PgConnection, order: &FenceOrder) -> Result<bool> {
    let limit = Duration::from_millis(order.lock_timeout_ms.into());
    let valve = literal(&order.rows_publication);
    let valve = format!("SELECT EXISTS (SELECT FROM pg_catalog.pg_publication WHERE pubname = {valve})");
    let doing = format!("locking the tables for the fence on {}", database.label());
    let begun = Instant::now();
    loop {
        let left = limit.saturating_sub(begun.elapsed()).as_millis().max(1);
        let mut statements = sql::lock(order, u32::try_from(left).unwrap_or(order.lock_timeout_ms));
        statements.push(valve.clone());
        let failed = match last_bool(connection, statements.join("; ")).await {
            Ok(exists) => return Ok(exists),
            Err(e) => e,
        };
        if !classify::is_lock_timeout(&failed) {
            return Err(classify::classify(doing, failed));
        }
        sqlx::raw_sql("ROLLBACK").execute(&mut *connection).await.map_err(database.failed("raising the fence"))?;
        if begun.elapsed() >= limit {
            let why = format!("not all locks were free within {} ms", order.lock_timeout_ms);
            return Err(Error::new(Kind::LockTimeout, doing, why).caused_by(failed));
        }
    }
}

/// Runs a string of statements and reads the one value of its last one.
async fn last_bool(connection: &mut PgConnection, string: String) -> sqlx::Result<bool> {
    let mut answers = sqlx::raw_sql(AssertSqlSafe(string)).fetch_many(connection);
    let mut value = false;
    while let Some(answer) = answers.try_next().await? {
        if let Either::Right(row) = answer {
            value = row.try_get(0)?;
        }
    }
    Ok(value)
}

impl Raised {
    fn gone(&self, doing: impl Display, error: sqlx::Error) -> Error {
        classify::classify(format!("{doing} on {}", self.label), error)
    }

    /// Says good-bye beside the write pause instead of inside it.
    fn leave(self) {
        tokio::spawn(async move {
            let _ = self.connection.close().await;
        });
    }
}

#[async_trait]
impl RaisedFence for Raised {
    async fn commit(mut self: Box<Self>) -> Result<()> {
        // A failed transaction answers COMMIT with ROLLBACK and no error; the statement before it fails there instead.
        let outcome = sqlx::raw_sql("SELECT 1; COMMIT").execute(&mut self.connection).await;
        match outcome {
            Ok(_) => {
                self.leave();
                Ok(())
            }
            Err(e) => Err(self.gone("committing the fence", e)),
        }
    }

    async fn roll_back(mut self: Box<Self>) -> Result<()> {
        match sqlx::raw_sql("ROLLBACK").execute(&mut self.connection).await {
            Ok(_) => {
                self.leave();
                Ok(())
            }
            Err(e) => Err(self.gone("taking the fence back", e)),
        }
    }

    async fn still_stands(&mut self) -> Result<()> {
        // Null outside our transaction, for only that one has written.
        let stands: bool = sqlx::query_scalar("SELECT pg_current_xact_id_if_assigned() IS NOT NULL")
            .fetch_one(&mut self.connection)
            .await
            .map_err(|e| classify::classify(format!("asking for the fence on {}", self.label), e))?;
        if stands {
            return Ok(());
        }
        let why = "the transaction that held it is over";
        Err(Error::new(Kind::Contradiction, format!("asking for the fence on {}", self.label), why))
    }
}
