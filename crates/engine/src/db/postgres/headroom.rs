//! Connections and kept log, from `pg_stat_activity` and `pg_replication_slots`.

use async_trait::async_trait;
use sqlx::{Row, postgres::PgRow};
use switchyard_model::headroom::{Connections, WalStatus};

use super::{PgDatabase, options::APPLICATION};
use crate::{
    Result,
    db::headroom::{Headroom, KeptSlot, Room},
};

/// One row per slot, or one alone. A role that may not see others' sessions is not told what kind they are; those of clients have
/// a role and a database. A slot that has lost its log has no position any more.
const ROOM: &str = "SELECT current_setting('max_connections')::int8, \
       current_setting('superuser_reserved_connections')::int8 + coalesce(current_setting('reserved_connections', true), '0')::int8, \
       a.used, a.application, s.name, s.status, s.kept, \
       (SELECT CASE WHEN setting::int8 >= 0 THEN setting::int8 * 1048576 END FROM pg_settings WHERE name = 'max_slot_wal_keep_size') \
     FROM (SELECT count(*) AS used, \
             count(*) FILTER (WHERE datname = current_database() AND coalesce(application_name, '') NOT LIKE $2 || '%') AS application \
           FROM pg_stat_activity \
           WHERE coalesce(backend_type, CASE WHEN usesysid IS NOT NULL AND datid IS NOT NULL THEN 'client backend' END) = 'client backend') a \
     LEFT JOIN (SELECT slot_name::text AS name, coalesce(wal_status, '') AS status, \
             coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn), 0)::int8 AS kept \
           FROM pg_replication_slots \
           WHERE slot_name = ANY($1::text[]) OR database = current_database() AND slot_name LIKE 'switchyard\\_feed\\_%') s ON true \
     ORDER BY s.name";

#[async_trait]
impl Headroom for PgDatabase {
    async fn room(&self, slots: &[String]) -> Result<Room> {
        let rows = sqlx::query(ROOM).bind(slots).bind(APPLICATION).fetch_all(self.pool()).await;
        rows.and_then(|rows| read(&rows)).map_err(self.failed("counting connections and kept log"))
    }
}

fn read(rows: &[PgRow]) -> sqlx::Result<Room> {
    // The counts stand in every row, and there is one whatever the slots.
    let first = rows.first().ok_or(sqlx::Error::RowNotFound)?;
    let connections = Connections {
        max: first.try_get(0)?,
        reserved: first.try_get(1)?,
        used: first.try_get(2)?,
        application: first.try_get(3)?,
    };
    let mut slots = Vec::new();
    for row in rows {
        let Some(name) = row.try_get::<Option<String>, _>(4)? else { continue };
        let status = match row.try_get::<String, _>(5)?.as_str() {
            "lost" => WalStatus::Lost,
            "unreserved" => WalStatus::Unreserved,
            _ => WalStatus::Kept,
        };
        slots.push(KeptSlot { name, status, kept_bytes: row.try_get(6)?, limit_bytes: row.try_get(7)? });
    }
    Ok(Room { connections, slots })
}
