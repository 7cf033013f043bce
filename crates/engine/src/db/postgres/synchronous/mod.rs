//! Synchronous dual write on PostgreSQL: the stream's worker as the one standby that is waited for.
//!
//! `synchronous_standby_names` counts for the whole server, so the server's own `synchronous_commit` becomes `local` first, and
//! only whoever is chosen gets `remote_apply`. The server knows no time-out: whoever turns this on has to attend it.

mod line;
mod look;
mod sql;

use async_trait::async_trait;
use sqlx::{AssertSqlSafe, PgConnection};
use switchyard_model::dual_write::{Former, Scope};

use super::{PgDatabase, classify::classify};
use crate::{
    Result,
    db::synchronous::{Line, Prober, Synchronous},
};

/// See [`crate::db::synchronous::statements`].
pub(in crate::db) fn statements(scope: &Scope, database: &str, standby: &str) -> Vec<String> {
    sql::turn_on(scope, database, standby)
}

/// The role that is chosen; None for the database.
fn role_of(scope: &Scope) -> Option<&str> {
    match scope {
        Scope::Role { role } => Some(role),
        Scope::Database => None,
    }
}

#[async_trait]
impl Synchronous for PgDatabase {
    async fn look(&self, scope: &Scope, standby: &str) -> Result<Former> {
        look::look(self, scope, standby).await
    }

    async fn line(&self, scope: &Scope, standby: &str) -> Result<Box<dyn Line>> {
        let mut connection = self.open().await?;
        set(&mut connection, "local", self.label()).await?;
        let version: i32 = sqlx::query_scalar("SELECT pg_catalog.current_setting('server_version_num')::int")
            .fetch_one(&mut connection)
            .await
            .map_err(self.failed("asking for its version"))?;
        let database = &self.endpoint().database;
        Ok(Box::new(line::PgLine::new(connection, self.label(), database, scope, standby, version)))
    }

    async fn prober(&self, waits: bool) -> Result<Box<dyn Prober>> {
        let mut connection = self.open().await?;
        set(&mut connection, if waits { "remote_apply" } else { "local" }, self.label()).await?;
        Ok(Box::new(PgProber { connection, label: self.label().to_owned() }))
    }
}

/// What this session's own commits wait for.
async fn set(connection: &mut PgConnection, value: &str, label: &str) -> Result<()> {
    let sql = format!("SET synchronous_commit = {value}");
    let done = sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await;
    done.map(drop).map_err(|e| classify(format!("opening a session on {label}"), e))
}

struct PgProber {
    connection: PgConnection,
    label: String,
}

#[async_trait]
impl Prober for PgProber {
    async fn write(&mut self) -> Result<()> {
        // The second row of the beats' table: the stream carries it, the beat has a row of its own, and nobody is blocked by this
        // one while it waits.
        let sql = "INSERT INTO switchyard.beat_forward (id, n, at) VALUES (2, 1, pg_catalog.clock_timestamp()) \
                   ON CONFLICT (id) DO UPDATE SET n = beat_forward.n + 1, at = excluded.at";
        let done = sqlx::raw_sql(sql).execute(&mut self.connection).await;
        done.map(drop).map_err(|e| classify(format!("writing a row to measure with on {}", self.label), e))
    }
}
