//! The server's log over SQL.

use super::super::PgDatabase;
use crate::{Error, Kind, Result, db::statements::ServerLog};

const NEWEST: &str = "SELECT coalesce(pg_current_logfile('csvlog'), CASE WHEN current_setting('server_version_num')::int >= 150000 \
       THEN pg_current_logfile('jsonlog') END, pg_current_logfile('stderr'))";

pub(super) async fn prefix(db: &PgDatabase) -> Result<String> {
    sqlx::query_scalar("SELECT current_setting('log_line_prefix')")
        .fetch_one(db.pool())
        .await
        .map_err(db.failed("asking for log_line_prefix"))
}

pub(super) async fn newest(db: &PgDatabase) -> Result<ServerLog> {
    let doing = "looking for the log";
    let file: Option<String> = sqlx::query_scalar(NEWEST).fetch_one(db.pool()).await.map_err(db.failed(doing))?;
    let Some(file) = file else {
        let why = "the server collects no log into files (logging_collector is off), so that it cannot be read over SQL; \
                   give the log's file instead";
        return Err(Error::new(Kind::Unsuitable, format!("{doing} of {}", db.label()), why));
    };
    let size: Option<i64> = sqlx::query_scalar("SELECT (pg_stat_file($1)).size")
        .bind(&file)
        .fetch_one(db.pool())
        .await
        .map_err(db.failed(doing))?;
    Ok(ServerLog { file, prefix: prefix(db).await?, size: u64::try_from(size.unwrap_or_default()).unwrap_or_default() })
}

pub(super) async fn piece(db: &PgDatabase, log: &ServerLog, from: u64, most: u64) -> Result<Vec<u8>> {
    let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    sqlx::query_scalar("SELECT pg_read_binary_file($1, $2, $3)")
        .bind(&log.file)
        .bind(number(from))
        .bind(number(most))
        .fetch_one(db.pool())
        .await
        .map_err(db.failed(&format!("reading the log {}", log.file)))
}
