//! The replication slot on the side a stream leaves.

use std::time::Duration;

use sqlx::Executor;
use switchyard_model::{Side, ident::literal};
use tokio::time::{Instant, sleep};

use super::{Native, failure};
use crate::error::{Error, Kind, Result};

/// How long making a slot may take: it waits for every transaction that was open when it began.
const CREATE: Duration = Duration::from_secs(60);

/// How long a walsender may take to go by itself, once its subscription is disabled, before it is ended.
const GRACE: Duration = Duration::from_secs(1);

/// How long it may take to go at all.
const GONE: Duration = Duration::from_secs(10);

/// What the publisher says of a slot.
struct Slot {
    active_pid: Option<i32>,
}

/// The statement that makes it.
pub(super) fn create_statement(name: &str) -> String {
    format!("SELECT pg_catalog.pg_create_logical_replication_slot({}, 'pgoutput')", literal(name))
}

/// The statement that drops it.
pub(super) fn drop_statement(name: &str) -> String {
    format!("SELECT pg_catalog.pg_drop_replication_slot({})", literal(name))
}

/// Whether it exists, and whether it is in use.
async fn look(native: &Native, from: Side, name: &str) -> Result<Option<Slot>> {
    let sql = "SELECT active_pid FROM pg_catalog.pg_replication_slots WHERE slot_name = $1";
    let query = sqlx::query_scalar::<_, Option<i32>>(sql).bind(name).fetch_optional(native.pool(from));
    let found =
        failure::ask(format!("looking for slot {name} on {}", native.label(from)), failure::QUICK, query).await?;
    Ok(found.map(|active_pid| Slot { active_pid }))
}

/// Whether it exists.
pub(super) async fn exists(native: &Native, from: Side, name: &str) -> Result<bool> {
    Ok(look(native, from, name).await?.is_some())
}

/// Makes it, at this very position. A slot of that name is left from an attempt that broke off: its position is an
/// older one, so a copy begun now would meet changes twice. It is dropped first, unless somebody reads from it.
pub(super) async fn make_afresh(native: &Native, from: Side) -> Result<()> {
    let name = native.stream(from);
    let doing = format!("making slot {name} on {}", native.label(from));
    let started = Instant::now();
    while let Some(slot) = look(native, from, name).await? {
        match slot.active_pid {
            None => drop_now(native, from, name).await?,
            Some(pid) if started.elapsed() > GONE => {
                let why = format!(
                    "a slot of this name exists and backend {pid} uses it, but our subscription does not exist"
                );
                return Err(Error::new(Kind::Contradiction, doing, why));
            }
            Some(_) => sleep(Duration::from_millis(100)).await,
        }
    }
    let work = async {
        let mut tx = native.pool(from).begin().await?;
        let patience = format!("SET LOCAL statement_timeout = {}", CREATE.as_millis());
        tx.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(patience))).await?;
        tx.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(create_statement(name)))).await?;
        tx.commit().await
    };
    match failure::ask(doing, CREATE + failure::QUICK, work).await {
        Err(error) if error.kind == Kind::Deadline => Err(name_the_oldest(native, from, error).await),
        other => other,
    }
}

/// Adds to a deadline who keeps the slot waiting.
async fn name_the_oldest(native: &Native, from: Side, error: Error) -> Error {
    let sql = "SELECT pid, application_name, extract(epoch FROM clock_timestamp() - xact_start)::int8 \
               FROM pg_catalog.pg_stat_activity WHERE backend_xid IS NOT NULL AND pid <> pg_backend_pid() \
               ORDER BY xact_start LIMIT 1";
    let query = sqlx::query_as::<_, (i32, String, i64)>(sql).fetch_optional(native.pool(from));
    match failure::ask("looking for old transactions".to_owned(), failure::QUICK, query).await {
        Ok(Some((pid, application, age))) => {
            let why = format!(
                "it waits for transactions that are open; the oldest is backend {pid} (“{application}”), open for {age} s: \
                 end it and try again"
            );
            Error::new(Kind::Deadline, error.doing, why)
        }
        Ok(None) | Err(_) => error,
    }
}

/// Drops it once nobody reads from it; ends a walsender that does not go by itself. Nothing to do when it is gone.
pub(super) async fn drop_when_idle(native: &Native, from: Side, name: &str) -> Result<()> {
    let started = Instant::now();
    loop {
        let Some(slot) = look(native, from, name).await? else { return Ok(()) };
        match slot.active_pid {
            None => match drop_now(native, from, name).await {
                // Taken again between the look and the drop, or dropped by its owner.
                Err(e) if e.why.contains("55006") || e.kind == Kind::NotFound => {}
                other => return other,
            },
            Some(pid) if started.elapsed() > GONE => {
                let doing = format!("dropping slot {name} on {}", native.label(from));
                return Err(Error::new(Kind::Deadline, doing, format!("backend {pid} still reads from it")));
            }
            Some(pid) if started.elapsed() > GRACE => end_walsender(native, from, name, pid).await?,
            Some(_) => {}
        }
        sleep(Duration::from_millis(50)).await;
    }
}

async fn drop_now(native: &Native, from: Side, name: &str) -> Result<()> {
    let doing = format!("dropping slot {name} on {}", native.label(from));
    let statement = sqlx::query("SELECT pg_catalog.pg_drop_replication_slot($1)").bind(name).execute(native.pool(from));
    failure::ask(doing, failure::STATEMENT, statement).await.map(drop)
}

/// Ends the backend only while it is this slot's: a process id may be somebody else's a moment later.
async fn end_walsender(native: &Native, from: Side, name: &str, pid: i32) -> Result<()> {
    let sql = "SELECT pg_catalog.pg_terminate_backend(active_pid) FROM pg_catalog.pg_replication_slots \
               WHERE slot_name = $1 AND active_pid = $2";
    let doing = format!("ending the walsender of slot {name} on {}", native.label(from));
    let statement = sqlx::query(sql).bind(name).bind(pid).execute(native.pool(from));
    failure::ask(doing, failure::QUICK, statement).await.map(drop)
}
