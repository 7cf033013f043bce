//! A stream as both servers see it.

use sqlx::Row;
use switchyard_model::Side;

use super::{Native, ROWS_PUBLICATION, failure};
use crate::{error::Result, replicate::StreamStatus};

/// Worker errors are counted since PostgreSQL 15.
const COUNTS_ERRORS: i32 = 150_000;

/// See [`super::Replicator::status`]. The side that the stream leaves must answer: its disk is what a stalled stream
/// fills. Where the other one does not, its half is left at its defaults and `unseen` says why.
pub(super) async fn status(native: &Native, from: Side) -> Result<StreamStatus> {
    let (publisher, subscriber) = tokio::join!(publisher(native, from), subscriber(native, from));
    let mut status = publisher?;
    match subscriber {
        Ok(half) => {
            status.subscription_enabled = half.enabled;
            status.worker_running = half.running;
            status.apply_errors = half.errors;
        }
        Err(error) => status.unseen = Some(error.to_string()),
    }
    Ok(status)
}

async fn publisher(native: &Native, from: Side) -> Result<StreamStatus> {
    let sql = "SELECT s.slot_name IS NOT NULL AS slot_exists, coalesce(s.active, false) AS slot_active, \
               coalesce(s.wal_status, '') AS wal_status, \
               coalesce(greatest(pg_wal_lsn_diff(here, s.confirmed_flush_lsn), 0), 0)::int8 AS lag_bytes, \
               coalesce(pg_wal_lsn_diff(here, s.restart_lsn), 0)::int8 AS retained_bytes, \
               pg_wal_lsn_diff(here, '0/0')::int8 AS wal_position, \
               (SELECT CASE WHEN setting = '-1' THEN -1 ELSE setting::int8 * 1048576 END \
                FROM pg_catalog.pg_settings WHERE name = 'max_slot_wal_keep_size') AS keep_limit, \
               (SELECT pubinsert FROM pg_catalog.pg_publication WHERE pubname = $2) AS rows_open \
               FROM pg_catalog.pg_current_wal_lsn() AS here \
               LEFT JOIN pg_catalog.pg_replication_slots s ON s.slot_name = $1";
    let query = async {
        let row =
            sqlx::query(sql).bind(native.stream(from)).bind(ROWS_PUBLICATION).fetch_one(native.pool(from)).await?;
        Ok(StreamStatus {
            slot_exists: row.try_get("slot_exists")?,
            slot_active: row.try_get("slot_active")?,
            wal_status: row.try_get("wal_status")?,
            lag_bytes: row.try_get("lag_bytes")?,
            retained_bytes: row.try_get("retained_bytes")?,
            wal_position: row.try_get("wal_position")?,
            // Absent before PostgreSQL 13, where WAL is kept without a limit.
            keep_limit_bytes: row.try_get::<Option<i64>, _>("keep_limit")?.unwrap_or(-1),
            rows_open: row.try_get("rows_open")?,
            ..StreamStatus::default()
        })
    };
    failure::ask(format!("reading slot {} of {}", native.stream(from), native.label(from)), failure::QUICK, query).await
}

/// The subscriber's half.
struct Half {
    enabled: bool,
    running: bool,
    errors: Option<i64>,
}

async fn subscriber(native: &Native, from: Side) -> Result<Half> {
    let side = from.other();
    let sql = if native.version(side).await? >= COUNTS_ERRORS {
        "SELECT s.subenabled, \
         EXISTS (SELECT FROM pg_catalog.pg_stat_subscription w WHERE w.subid = s.oid AND w.relid IS NULL AND w.pid IS NOT NULL), \
         (SELECT apply_error_count + sync_error_count FROM pg_catalog.pg_stat_subscription_stats e WHERE e.subid = s.oid) \
         FROM pg_catalog.pg_subscription s JOIN pg_catalog.pg_database d ON d.oid = s.subdbid \
         WHERE d.datname = pg_catalog.current_database() AND s.subname = $1"
    } else {
        "SELECT s.subenabled, \
         EXISTS (SELECT FROM pg_catalog.pg_stat_subscription w WHERE w.subid = s.oid AND w.relid IS NULL AND w.pid IS NOT NULL), \
         NULL::int8 \
         FROM pg_catalog.pg_subscription s JOIN pg_catalog.pg_database d ON d.oid = s.subdbid \
         WHERE d.datname = pg_catalog.current_database() AND s.subname = $1"
    };
    let query =
        sqlx::query_as::<_, (bool, bool, Option<i64>)>(sql).bind(native.stream(from)).fetch_optional(native.pool(side));
    let doing = format!("reading subscription {} of {}", native.stream(from), native.label(side));
    let found = failure::ask(doing, failure::QUICK, query).await?;
    let (enabled, running, errors) = found.unwrap_or((false, false, None));
    Ok(Half { enabled, running, errors })
}
