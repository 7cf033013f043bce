//! The drills' objects and failures on PostgreSQL.
//!
//! Faults are advisory locks that the canary's function asks for, and a lock on a table of ours; so each ends with its session,
//! and none touches a table of the application.

use std::collections::BTreeMap;

use async_trait::async_trait;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use switchyard_model::{Side, ident::quote};

use super::{PgDatabase, classify::classify, heartbeat::beat_table};
use crate::{
    Error, Result,
    db::drills::{Drills, Fault, Standing},
    error::Kind,
};

/// First half of the advisory locks' keys.
const CLASS: i32 = 0x5359_4452;
const ERRORS: i32 = 1;
const SLOW: i32 = 2;
const DOWN: i32 = 3;

/// Numbers of planted rows are below zero; a canary counts from one.
const PLANTED: &str = "n < 0";

/// A fault that nobody takes off in this time ends, whatever became of us.
const LONGEST: &str = "5min";

/// Schema, ledger and the canary's function, each alone and idempotent. The function tells which server answers, and fails
/// or waits where a drill asks for it; what it asks for is one look into memory.
pub(super) fn base() -> Vec<String> {
    vec![
        "CREATE SCHEMA IF NOT EXISTS switchyard_drill".to_owned(),
        "CREATE TABLE IF NOT EXISTS switchyard_drill.ledger (\
         id uuid PRIMARY KEY, drill bigint NOT NULL, n bigint NOT NULL, at timestamptz NOT NULL)"
            .to_owned(),
        format!(
            "CREATE OR REPLACE FUNCTION switchyard_drill.canary() RETURNS text LANGUAGE plpgsql SET search_path = pg_catalog AS \
             $canary$ BEGIN \
             IF NOT pg_try_advisory_xact_lock_shared({CLASS}, {DOWN}) THEN \
             PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(5); END IF; \
             IF NOT pg_try_advisory_xact_lock_shared({CLASS}, {ERRORS}) THEN \
             RAISE EXCEPTION USING MESSAGE = 'switchyard drill: this error was asked for'; END IF; \
             IF NOT pg_try_advisory_xact_lock_shared({CLASS}, {SLOW}) THEN PERFORM pg_sleep(0.25); END IF; \
             RETURN extract(epoch FROM pg_postmaster_start_time())::text; END $canary$"
        ),
    ]
}

/// A session that holds a fault up.
struct Session {
    connection: PgConnection,
    label: String,
}

#[async_trait]
impl Standing for Session {
    async fn end(mut self: Box<Self>) -> Result<()> {
        let ended = sqlx::raw_sql("ROLLBACK; SELECT pg_advisory_unlock_all()").execute(&mut self.connection).await;
        ended.map_err(|e| classify(format!("ending a drill's failure on {}", self.label), e))?;
        // It ended; a failed good-bye changes nothing.
        let _ = self.connection.close().await;
        Ok(())
    }
}

#[async_trait]
impl Drills for PgDatabase {
    async fn mark(&self) -> Result<String> {
        let doing = format!("asking {} who it is", self.label());
        let there: bool = sqlx::query_scalar("SELECT to_regprocedure('switchyard_drill.canary()') IS NOT NULL")
            .fetch_one(self.pool())
            .await
            .map_err(self.failed("looking for the drills' ledger"))?;
        if !there {
            let why = "the migration was prepared without a ledger for drills: make a new migration to rehearse on, or drill by \
                       hand";
            return Err(Error::new(Kind::Unsuitable, doing, why));
        }
        let mark =
            sqlx::query_scalar("SELECT extract(epoch FROM pg_postmaster_start_time())::text").fetch_one(self.pool());
        mark.await.map_err(self.failed("asking who it is"))
    }

    async fn admit(&self, role: &str) -> Result<()> {
        let there: bool = sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)")
            .bind(role)
            .fetch_one(self.pool())
            .await
            .map_err(self.failed("looking for the canary's role"))?;
        if !there {
            let why =
                format!("there is no role “{role}” on {}: create it on both sides and in the poolers", self.label());
            return Err(Error::new(Kind::Unsuitable, "preparing a drill", why));
        }
        let role = quote(role);
        let sql = format!(
            "GRANT USAGE ON SCHEMA switchyard_drill TO {role}; GRANT SELECT, INSERT ON switchyard_drill.ledger TO {role}; \
             GRANT EXECUTE ON FUNCTION switchyard_drill.canary() TO {role}"
        );
        let granted = sqlx::raw_sql(AssertSqlSafe(sql)).execute(self.pool()).await;
        granted.map(drop).map_err(self.failed("letting the canary use the ledger"))
    }

    async fn forget(&self, but: i64) -> Result<()> {
        let sql = format!("DELETE FROM switchyard_drill.ledger WHERE drill <> $1 OR {PLANTED}");
        let done = sqlx::query(AssertSqlSafe(sql)).bind(but).execute(self.pool()).await;
        done.map(drop).map_err(self.failed("forgetting earlier drills"))
    }

    async fn written(&self, drill: i64) -> Result<BTreeMap<i64, i64>> {
        let rows: Vec<(i64, i64)> =
            sqlx::query_as("SELECT n, count(*) FROM switchyard_drill.ledger WHERE drill = $1 AND n > 0 GROUP BY n")
                .bind(drill)
                .fetch_all(self.pool())
                .await
                .map_err(self.failed("reading the ledger"))?;
        Ok(rows.into_iter().collect())
    }

    async fn put_on(&self, fault: Fault) -> Result<Box<dyn Standing>> {
        let mut connection = self.open().await?;
        let stands = format!("SET idle_in_transaction_session_timeout = '{LONGEST}'");
        let lock = match fault {
            Fault::Down => format!("SELECT pg_advisory_lock({CLASS}, {DOWN})"),
            Fault::Errors => format!("SELECT pg_advisory_lock({CLASS}, {ERRORS})"),
            Fault::Slow => format!("SELECT pg_advisory_lock({CLASS}, {SLOW})"),
            // An applied beat needs a lock that this one keeps from it; whoever reads beats does not notice.
            Fault::StreamStopped => {
                let arriving = beat_table(match self.side() {
                    Side::Source => Side::Target,
                    Side::Target => Side::Source,
                });
                format!("LOCK TABLE {arriving} IN SHARE ROW EXCLUSIVE MODE")
            }
        };
        // In a transaction in any case: its limit is what ends a fault that everybody forgot.
        for statement in [stands, "BEGIN".to_owned(), lock] {
            let done = sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await;
            done.map_err(self.failed("putting a drill's failure on"))?;
        }
        Ok(Box::new(Session { connection, label: self.label().to_owned() }))
    }

    async fn plant(&self, drill: i64) -> Result<()> {
        let sql = "INSERT INTO switchyard_drill.ledger (id, drill, n, at) VALUES (gen_random_uuid(), $1, -1, clock_timestamp())";
        // Past the fence, which may stand here. It does not travel: the valve of the side without the authority is closed.
        let mut tx = self.pool().begin().await.map_err(self.failed("planting a row"))?;
        let marked = sqlx::raw_sql("SET LOCAL session_replication_role = replica").execute(&mut *tx).await;
        marked.map_err(self.failed("planting a row"))?;
        sqlx::query(sql).bind(drill).execute(&mut *tx).await.map_err(self.failed("planting a row"))?;
        tx.commit().await.map_err(self.failed("planting a row"))
    }

    async fn unplant(&self) -> Result<()> {
        // Looked for first: a role that may not pass the fence can run every drill that plants nothing.
        let sql = format!("SELECT EXISTS (SELECT FROM switchyard_drill.ledger WHERE {PLANTED})");
        let planted: bool = sqlx::query_scalar(AssertSqlSafe(sql))
            .fetch_one(self.pool())
            .await
            .map_err(self.failed("looking for a planted row"))?;
        if !planted {
            return Ok(());
        }
        let sql = format!("DELETE FROM switchyard_drill.ledger WHERE {PLANTED}");
        let mut tx = self.pool().begin().await.map_err(self.failed("removing the planted row"))?;
        let marked = sqlx::raw_sql("SET LOCAL session_replication_role = replica").execute(&mut *tx).await;
        marked.map_err(self.failed("removing the planted row"))?;
        sqlx::query(AssertSqlSafe(sql)).execute(&mut *tx).await.map_err(self.failed("removing the planted row"))?;
        tx.commit().await.map_err(self.failed("removing the planted row"))
    }
}
