//! Foreign keys, made while the target applies the stream.
//!
//! The stream's worker takes locks in the order in which the application wrote, and keeps them until its transaction
//! ends. Whoever makes a foreign key locks two tables, and all their partitions. So each may come to wait for the other,
//! and after `deadlock_timeout` the server ends one of them: `pg_restore`, or the worker. (Indexes, triggers and the rest
//! lock one table at a time and only ever make the worker wait.)
//!
//! We give way. All locks are asked for at once and before anything else, the table referred to first, as applications
//! write; when they are not had in less than half the time after which the server would look for a deadlock, we let go
//! and try again. So the worker never waits for us long enough to become the victim, and we are never one either.
//!
//! Switching the subscription off meanwhile would be simpler, and was not done: a stream that stands still keeps WAL on
//! the source. If we died then, the source's disk would fill up until a person came. Here whatever kills us leaves the
//! stream running and nothing to be put right.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use futures_util::{StreamExt, stream::FuturesUnordered};
use sqlx::{AssertSqlSafe, Executor, PgPool, Postgres, Transaction};

use super::facts::{self, ask};
use crate::{
    error::{Error, Kind, Result},
    tool::login::Login,
};

/// How many are made at once. Two that share a table never are: one would only stand in the other's way, and in the
/// stream's.
const JOBS: usize = 4;

/// How long locks are waited for at most in one attempt: for so long the stream may stand still behind us.
const PATIENCE_MS: i64 = 400;

/// Pause between attempts, in which the stream goes on.
const PAUSE: Duration = Duration::from_millis(150);

/// After how many attempts we look whether it is autovacuum that does not let us in.
const LOOK_AFTER: u32 = 3;

/// For how long a foreign key is tried for before the whole is begun again. Trying harms nobody, and giving up in the end
/// throws the copy away, so this is long.
const GIVE_UP: Duration = Duration::from_secs(30 * 60);

/// A foreign key, as the source defines it.
#[derive(Debug, Clone)]
pub(super) struct Tie {
    /// Its name, for people.
    pub(super) name: String,
    /// The tables that it locks, the one referred to first; quoted, with `ONLY` where that is meant.
    tables: Vec<String>,
    /// What makes it.
    statement: String,
}

/// The foreign keys with these oids.
pub(super) async fn read(pool: &PgPool, oids: &[i64]) -> std::result::Result<Vec<(u32, Tie)>, sqlx::Error> {
    let sql = "WITH t AS (SELECT c.oid, format('%s%I.%I', CASE relkind WHEN 'p' THEN '' ELSE 'ONLY ' END, nspname, relname) AS name \
               FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = relnamespace) \
               SELECT k.oid::int8, k.conname::text, parent.name, child.name, \
               format('ALTER TABLE %s ADD CONSTRAINT %I %s', child.name, k.conname, pg_catalog.pg_get_constraintdef(k.oid)) \
               FROM pg_catalog.pg_constraint k JOIN t parent ON parent.oid = k.confrelid JOIN t child ON child.oid = k.conrelid \
               WHERE k.contype = 'f' AND k.oid = ANY ($1)";
    let mut tx = pool.begin().await?;
    // Names are qualified only where the path does not find them.
    tx.execute("SET LOCAL search_path = ''").await?;
    let rows: Vec<(i64, String, String, String, String)> = sqlx::query_as(sql).bind(oids).fetch_all(&mut *tx).await?;
    tx.commit().await?;
    Ok(rows
        .into_iter()
        .filter_map(|(oid, name, parent, child, statement)| {
            let tables = if parent == child { vec![parent] } else { vec![parent, child] };
            Some((u32::try_from(oid).ok()?, Tie { name, tables, statement }))
        })
        .collect())
}

/// Makes them all; `say` hears who keeps it waiting.
pub(super) async fn make(ties: &[&Tie], target: &Login, deadline: Duration, say: super::Say<'_>) -> Result<()> {
    let patience = Patience::of(target).await?;
    let mut waiting: Vec<&Tie> = ties.to_vec();
    let mut taken: HashSet<&str> = HashSet::new();
    let mut running = FuturesUnordered::new();
    loop {
        while running.len() < JOBS
            && let Some(free) =
                waiting.iter().position(|t| t.tables.iter().all(|table| !taken.contains(table.as_str())))
        {
            let tie = waiting.remove(free);
            taken.extend(tie.tables.iter().map(String::as_str));
            let work = async move { (tie, tie.make(target, patience, deadline, say).await) };
            running.push(work);
        }
        let Some((tie, result)) = running.next().await else { return Ok(()) };
        result?;
        for table in &tie.tables {
            taken.remove(table.as_str());
        }
    }
}

/// How long an attempt waits for its locks.
#[derive(Debug, Clone, Copy)]
struct Patience {
    /// Less than the server's own, so that no deadlock is ever found.
    usual_ms: i64,
    /// More than the server's own: then it ends an autovacuum that stands in our way.
    long_ms: i64,
}

impl Patience {
    async fn of(target: &Login) -> Result<Patience> {
        let sql = "SELECT setting::int8 FROM pg_catalog.pg_settings WHERE name = 'deadlock_timeout'";
        let doing = format!("reading the settings of {}", target.label);
        let server: i64 = ask(&doing, sqlx::query_scalar(sql).fetch_one(&target.pool)).await?;
        Ok(Patience { usual_ms: PATIENCE_MS.min(server / 2).max(1), long_ms: server + PATIENCE_MS })
    }
}

/// How an attempt ended.
enum Attempt {
    Made,
    /// Somebody holds one of the tables.
    GaveWay,
}

impl Tie {
    /// What is run, in one transaction.
    pub(super) fn statements(&self) -> [String; 2] {
        [format!("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE", self.tables.join(", ")), self.statement.clone()]
    }

    async fn make(&self, target: &Login, patience: Patience, deadline: Duration, say: super::Say<'_>) -> Result<()> {
        let doing = format!("making the foreign key {} on {}", self.name, target.label);
        let began = Instant::now();
        let mut wait_ms = patience.usual_ms;
        for attempt in 1u32.. {
            match self.attempt(&doing, target, wait_ms, deadline).await? {
                Attempt::Made => return Ok(()),
                Attempt::GaveWay => {}
            }
            let tried = began.elapsed();
            if tried > GIVE_UP.min(deadline) {
                break;
            }
            if attempt > LOOK_AFTER {
                say(format!(
                    "foreign key {}: waits for {} since {} s",
                    self.name,
                    self.tables.join(", "),
                    tried.as_secs()
                ));
            }
            // Autovacuum leaves only when a lock has been waited for as long as the server waits for deadlocks.
            let vacuum = attempt >= LOOK_AFTER && self.autovacuum_holds_it(target).await?;
            wait_ms = if vacuum { patience.long_ms } else { patience.usual_ms };
            tokio::time::sleep(PAUSE).await;
        }
        let why = format!("its tables {} were in use whenever they were asked for", self.tables.join(", "));
        Err(Error::new(Kind::LockTimeout, doing, why))
    }

    async fn attempt(&self, doing: &str, target: &Login, wait_ms: i64, deadline: Duration) -> Result<Attempt> {
        let failed = |e| facts::failed(doing, e);
        let [lock, make] = self.statements();
        let mut tx = target.pool.begin().await.map_err(failed)?;
        set_timeout(&mut tx, wait_ms).await.map_err(failed)?;
        if let Err(e) = tx.execute(sqlx::raw_sql(AssertSqlSafe(lock))).await {
            return gave_way(e, doing);
        }
        set_timeout(&mut tx, i64::try_from(deadline.as_millis()).unwrap_or(i64::MAX).min(i64::from(i32::MAX)))
            .await
            .map_err(failed)?;
        match tx.execute(sqlx::raw_sql(AssertSqlSafe(make))).await {
            Ok(_) => {}
            Err(e) if is(&e, &["40P01"]) => return gave_way(e, doing),
            Err(e) => return Err(failed(e)),
        }
        tx.commit().await.map_err(failed)?;
        Ok(Attempt::Made)
    }

    /// Whether autovacuum works on one of its tables or of their partitions.
    async fn autovacuum_holds_it(&self, target: &Login) -> Result<bool> {
        let names: Vec<&str> = self.tables.iter().map(|t| t.strip_prefix("ONLY ").unwrap_or(t)).collect();
        let sql = "WITH t AS (SELECT unnest($1::text[])::pg_catalog.regclass AS r) SELECT EXISTS (\
                   SELECT FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid \
                   WHERE a.backend_type = 'autovacuum worker' AND l.granted \
                   AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()) \
                   AND l.relation IN (SELECT r FROM t UNION ALL SELECT p.relid FROM t, pg_catalog.pg_partition_tree(r) p))";
        let doing = format!("looking who holds {} on {}", names.join(", "), target.label);
        ask(&doing, sqlx::query_scalar(sql).bind(&names).fetch_one(&target.pool)).await
    }
}

/// The timeout of a statement bounds the wait for all its locks together; `lock_timeout` would count for each partition.
async fn set_timeout(tx: &mut Transaction<'static, Postgres>, ms: i64) -> std::result::Result<(), sqlx::Error> {
    tx.execute(sqlx::raw_sql(AssertSqlSafe(format!("SET LOCAL statement_timeout = {ms}")))).await.map(drop)
}

/// A lock that was not had in time, a deadlock that the server broke, is no failure.
fn gave_way(error: sqlx::Error, doing: &str) -> Result<Attempt> {
    if is(&error, &["57014", "55P03", "40P01"]) { Ok(Attempt::GaveWay) } else { Err(facts::failed(doing, error)) }
}

fn is(error: &sqlx::Error, codes: &[&str]) -> bool {
    matches!(error, sqlx::Error::Database(e) if e.code().is_some_and(|c| codes.contains(&c.as_ref())))
}
