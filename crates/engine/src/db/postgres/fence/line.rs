//! The fence's own connection, opened ahead of the write pause.

use sqlx::{Connection, PgConnection};

use crate::{Result, db::postgres::PgDatabase};

/// A connection that does nothing but hold the fence.
pub(in crate::db::postgres) struct Line {
    pub(super) connection: PgConnection,
    /// Its backend.
    pub(super) pid: i32,
}

/// Opens the fence's connection ahead of the write pause, or finds the one from before still alive.
pub(super) async fn arm(database: &PgDatabase) -> Result<()> {
    let mut armed = database.armed.lock().await;
    if let Some(line) = armed.as_mut()
        && line.connection.ping().await.is_ok()
    {
        return Ok(());
    }
    *armed = Some(open(database).await?);
    Ok(())
}

/// A connection that, where our role may, finds out about deadlocks fast: then an autovacuum in the way is sent home
/// after 10 ms instead of a second, and of two that wait for each other it is us who give up, not the application.
async fn open(database: &PgDatabase) -> Result<Line> {
    let mut connection = database.open().await?;
    let sql =
        "SELECT current_setting('is_superuser') = 'on', current_setting('server_version_num')::int4, pg_backend_pid()";
    let (superuser, version, pid): (bool, i32, i32) = sqlx::query_as(sql)
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
    Ok(Line { connection, pid })
}

/// The armed connection if it lives, else a new one.
pub(super) async fn take(database: &PgDatabase) -> Result<Line> {
    let armed = database.armed.lock().await.take();
    match armed {
        Some(mut line) => match line.connection.ping().await {
            Ok(()) => Ok(line),
            Err(_) => open(database).await,
        },
        None => open(database).await,
    }
}
