//! The server's log over SQL.

use switchyard_model::UnixMs;

use super::super::PgDatabase;
use crate::{Error, Kind, Result, db::statements::ServerLog};

const NEWEST: &str = "SELECT coalesce(pg_current_logfile('csvlog'), CASE WHEN current_setting('server_version_num')::int >= 150000 \
       THEN pg_current_logfile('jsonlog') END, pg_current_logfile('stderr'))";

/// Those of one form that were written to since then, the oldest first.
const FILES: &str = "SELECT name, size::int8 FROM pg_ls_logdir() \
    WHERE CASE WHEN $1 = '' THEN position('.' IN name) = 0 ELSE name LIKE '%.' || $1 END \
      AND extract(epoch FROM modification)::float8 * 1000 >= $2 - 1000 ORDER BY modification, name";

pub(super) async fn prefix(db: &PgDatabase) -> Result<String> {
    sqlx::query_scalar("SELECT current_setting('log_line_prefix')")
        .fetch_one(db.pool())
        .await
        .map_err(db.failed("asking for log_line_prefix"))
}

/// A busy server begins a new file every 10 MB, so there can be many of a short time.
pub(super) async fn files(db: &PgDatabase, since: Option<UnixMs>) -> Result<Vec<ServerLog>> {
    let doing = "looking for the log";
    let newest: Option<String> = sqlx::query_scalar(NEWEST).fetch_one(db.pool()).await.map_err(db.failed(doing))?;
    let Some(newest) = newest else {
        let why = "the server collects no log into files (logging_collector is off), so that it cannot be read over SQL; \
                   give the log's file instead";
        return Err(Error::new(Kind::Unsuitable, format!("{doing} of {}", db.label()), why));
    };
    let (folder, name) = newest.rsplit_once('/').map_or(("", newest.as_str()), |(folder, name)| (folder, name));
    // Each form has a name of its own behind the dot.
    let form = name.rsplit_once('.').map_or("", |(_, form)| form);
    let files: Vec<(String, i64)> = sqlx::query_as(FILES)
        .bind(form)
        .bind(since.unwrap_or(i64::MIN) as f64)
        .fetch_all(db.pool())
        .await
        .map_err(db.failed(doing))?;
    let path = |name: String| if folder.is_empty() { name } else { format!("{folder}/{name}") };
    let one = |(name, size)| ServerLog { file: path(name), size: u64::try_from(size).unwrap_or_default() };
    Ok(files.into_iter().map(one).collect())
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
