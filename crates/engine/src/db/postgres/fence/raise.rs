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
use sqlx::{AssertSqlSafe, Connection, Either, PgConnection, PgPool, Row};
use switchyard_model::ident::literal;

use super::{
    line::{self, Line},
    sql,
};
use crate::{
    Error, Kind, Result,
    db::{
        FenceOrder, RaisedFence, Refusal,
        postgres::{PgDatabase, classify},
    },
};

/// How long the server may take to notice that our connection is gone, beyond the time after which it ends a silent one.
const NOTICE: Duration = Duration::from_secs(2);

/// An open transaction that holds locks, triggers and valve.
pub(super) struct Raised {
    connection: PgConnection,
    pid: i32,
    /// For asking about the transaction when its own connection is gone.
    pool: PgPool,
    idle_timeout: Duration,
    label: String,
}

/// Gains the locks and raises, all uncommitted.
pub(super) async fn raise(database: &PgDatabase, order: &FenceOrder) -> Result<Raised> {
    if order.tables.is_empty() {
        let why = "no tables were named, so nothing would refuse writes";
        return Err(Error::new(Kind::Invalid, format!("raising the fence on {}", database.label()), why));
    }
    let Line { mut connection, pid } = line::take(database).await?;
    let publication_exists = lock(database, &mut connection, order).await?;
    // One string, one round trip, whatever the number of tables.
    let refuse = sql::refuse(order, publication_exists).join("; ");
    sqlx::raw_sql(AssertSqlSafe(refuse))
        .execute(&mut connection)
        .await
        .map_err(database.failed("raising the fence"))?;
    Ok(Raised {
        connection,
        pid,
        pool: database.pool().clone(),
        idle_timeout: Duration::from_millis(order.idle_timeout_ms.into()),
        label: database.label().to_owned(),
    })
}

/// Begins and locks; says whether there is a valve to close. Lets go and tries again as long as the order's limit allows.
async fn lock(database: &PgDatabase, connection: &mut PgConnection, order: &FenceOrder) -> Result<bool> {
    let limit = Duration::from_millis(order.lock_timeout_ms.into());
    let valve = match &order.refusal {
        Refusal::Moved { rows_publication, .. } => {
            let name = literal(rows_publication);
            format!("SELECT EXISTS (SELECT FROM pg_catalog.pg_publication WHERE pubname = {name})")
        }
        Refusal::Held { .. } => "SELECT false".to_owned(),
    };
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

    /// Asks, over another connection, until our backend holds the tables no more, or for as long as that may take.
    async fn is_over(&self) -> bool {
        let sql = "SELECT NOT EXISTS (SELECT FROM pg_locks WHERE pid = $1 AND locktype = 'relation' \
                   AND mode = 'ExclusiveLock' AND granted)";
        let begun = Instant::now();
        while begun.elapsed() < self.idle_timeout + NOTICE {
            if matches!(sqlx::query_scalar(sql).bind(self.pid).fetch_one(&self.pool).await, Ok(true)) {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        false
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
            // Without its connection the server takes it back by itself; what counts is whether it has.
            Err(e) if self.is_over().await => {
                tracing::warn!(error = %e, "the fence's connection was gone, and so is the fence");
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
