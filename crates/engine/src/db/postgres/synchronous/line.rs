//! The session that turns a synchronous dual write on and off.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use sqlx::{AssertSqlSafe, PgConnection, Row};
use switchyard_model::dual_write::{Former, Scope};

use super::{role_of, sql};
use crate::{
    Error, Kind, Result,
    db::{
        postgres::classify::classify,
        synchronous::{Line, Seen},
    },
};

/// How long a changed setting may take until it is in force.
const IN_FORCE: Duration = Duration::from_secs(5);

/// How long those who wait may take to go on once nobody is waited for.
const GONE: Duration = Duration::from_secs(2);

/// Between two looks.
const LOOK: Duration = Duration::from_millis(10);

/// What our setting reads in the catalog of roles' and databases' own settings.
const CHOSEN: &str = "SELECT EXISTS (SELECT FROM pg_catalog.pg_db_role_setting s WHERE 'synchronous_commit=remote_apply' = ANY (s.setconfig) \
    AND s.setdatabase = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()) \
    AND s.setrole = coalesce((SELECT oid FROM pg_catalog.pg_roles WHERE rolname = $1), 0))";

/// See [`Line`].
pub(super) struct PgLine {
    connection: PgConnection,
    label: String,
    database: String,
    scope: Scope,
    standby: String,
    version: i32,
}

impl PgLine {
    pub(super) fn new(
        connection: PgConnection,
        label: &str,
        database: &str,
        scope: &Scope,
        standby: &str,
        version: i32,
    ) -> PgLine {
        PgLine {
            connection,
            label: label.to_owned(),
            database: database.to_owned(),
            scope: scope.clone(),
            standby: standby.to_owned(),
            version,
        }
    }

    fn failed(&self, doing: &str) -> impl FnOnce(sqlx::Error) -> Error + use<> {
        let doing = format!("{doing} on {}", self.label);
        move |e| classify(doing, e)
    }

    /// One statement in a message of its own: `ALTER SYSTEM` cannot be part of a transaction.
    async fn run(&mut self, statement: String) -> Result<()> {
        let failed = self.failed(&format!("running “{statement}”"));
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut self.connection).await.map(drop).map_err(failed)
    }

    async fn answer<T>(&mut self, question: &'static str, bound: Option<&str>) -> Result<T>
    where
        T: Send + Unpin + for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
    {
        let failed = self.failed("reading its settings");
        sqlx::query_scalar(question).bind(bound).fetch_one(&mut self.connection).await.map_err(failed)
    }

    /// Asks until the answer is yes.
    async fn until(&mut self, what: &str, within: Duration, question: &'static str, bound: Option<&str>) -> Result<()> {
        let began = Instant::now();
        while !self.answer::<bool>(question, bound).await? {
            if began.elapsed() > within {
                let why = format!("{what} within {} s", within.as_secs());
                return Err(Error::new(Kind::Deadline, format!("changing the settings of {}", self.label), why));
            }
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }

    /// Lets those go who wait for our stream. Whoever else is waited for by now is none of our business.
    async fn clear_names(&mut self, former: &Former) -> Result<()> {
        let ours = sql::names(&self.standby);
        // Asked of the file as well: what was written and not read yet is written back all the same.
        let written = "SELECT coalesce((SELECT setting FROM pg_catalog.pg_show_all_file_settings() \
                       WHERE name = 'synchronous_standby_names' ORDER BY seqno DESC LIMIT 1), '') = $1 \
                       OR pg_catalog.current_setting('synchronous_standby_names') = $1";
        if self.answer::<bool>(written, Some(&ours)).await? {
            self.run(sql::system("synchronous_standby_names", former.names.as_deref())).await?;
            self.run(sql::RELOAD.to_owned()).await?;
            let gone = "SELECT pg_catalog.current_setting('synchronous_standby_names') <> $1";
            self.until("its sessions were not told that nobody is waited for", IN_FORCE, gone, Some(&ours)).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl Line for PgLine {
    async fn spare_others(&mut self, former: &Former) -> Result<()> {
        if !former.changes_server {
            return Ok(());
        }
        self.run(sql::system("synchronous_commit", Some("local"))).await?;
        self.run(sql::RELOAD.to_owned()).await?;
        // Of this session's own beginning: what it set for itself later does not hide it. A role's own setting does, and is no
        // other than local or off by then.
        let spared = "SELECT reset_val IN ('local', 'off') FROM pg_catalog.pg_settings WHERE name = 'synchronous_commit' AND $1::text IS NULL";
        self.until("“synchronous_commit = local” did not come into force", IN_FORCE, spared, None).await
    }

    async fn name_standby(&mut self) -> Result<()> {
        self.run(sql::system("synchronous_standby_names", Some(&sql::names(&self.standby)))).await?;
        self.run(sql::RELOAD.to_owned()).await?;
        let counted = "SELECT EXISTS (SELECT FROM pg_catalog.pg_stat_replication WHERE application_name = $1 AND sync_state = 'sync')";
        let standby = self.standby.clone();
        self.until("the target did not become one that is waited for", IN_FORCE, counted, Some(&standby)).await
    }

    async fn choose(&mut self) -> Result<String> {
        self.run(sql::chosen(&self.scope, &self.database, Some("remote_apply"))).await?;
        self.answer("SELECT pg_catalog.clock_timestamp()::text || coalesce($1::text, '')", None).await
    }

    async fn free(&mut self, former: &Former) -> Result<()> {
        self.clear_names(former).await?;
        let nobody = "SELECT NOT EXISTS (SELECT FROM pg_catalog.pg_stat_activity WHERE wait_event = 'SyncRep') AND $1::text IS NULL";
        let ours = sql::names(&self.standby);
        let others_standby = "SELECT pg_catalog.current_setting('synchronous_standby_names') NOT IN ('', $1)";
        if !self.answer::<bool>(others_standby, Some(&ours)).await? {
            self.until("sessions still wait for the target", GONE, nobody, None).await?;
        }
        let role = role_of(&self.scope).map(str::to_owned);
        if self.answer::<bool>(CHOSEN, role.as_deref()).await? {
            self.run(sql::chosen(&self.scope, &self.database, former.scope.as_deref())).await?;
        }
        let ours = "SELECT EXISTS (SELECT FROM pg_catalog.pg_show_all_file_settings() WHERE name = 'synchronous_commit' \
                    AND sourcefile LIKE '%postgresql.auto.conf' AND setting = 'local') AND $1::text IS NULL";
        if former.changes_server && self.answer::<bool>(ours, None).await? {
            self.run(sql::system("synchronous_commit", former.server.as_deref())).await?;
            self.run(sql::RELOAD.to_owned()).await?;
        }
        // The row of the small writes; where it stays nobody is harmed.
        let _ = sqlx::raw_sql("DELETE FROM switchyard.beat_forward WHERE id = 2").execute(&mut self.connection).await;
        Ok(())
    }

    async fn watch(&mut self, since: Option<&str>) -> Result<Seen> {
        let failed = self.failed("looking at those who wait");
        let row = sqlx::query(AssertSqlSafe(sql::watch(self.version)))
            .bind(&self.standby)
            .bind(role_of(&self.scope))
            .bind(since)
            .fetch_one(&mut self.connection)
            .await;
        let read = |row: sqlx::postgres::PgRow| {
            let (active, transactions): (Option<f64>, Option<i64>) =
                (row.try_get("active")?, row.try_get("transactions")?);
            Ok::<_, sqlx::Error>(Seen {
                is_ours: row.try_get::<String, _>("names")? == sql::names(&self.standby),
                is_streaming: row.try_get("streaming")?,
                waiting: row.try_get("waiting")?,
                others_waiting: row.try_get("others")?,
                not_yet: row.try_get("not_yet")?,
                active: active.zip(transactions),
            })
        };
        row.and_then(read).map_err(failed)
    }
}
