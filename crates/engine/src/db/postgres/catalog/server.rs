//! The server's word about itself and about our role, in one statement that reads no table of the application.

use sqlx::{Row, postgres::PgRow};
use switchyard_model::{inventory::ServerFacts, preflight::OLDEST};

use crate::{Result, db::postgres::PgDatabase};

/// `to_jsonb(d)` reads columns that not every version has. The senders are counted by the function below the view,
/// because the view hides other roles' sessions from ours.
const FACTS: &str = "
SELECT current_setting('server_version_num')::int4 AS version_num,
       split_part(current_setting('server_version'), ' ', 1) AS version,
       (SELECT system_identifier::text FROM pg_control_system()) AS system_identifier,
       current_database()::text AS database,
       current_setting('wal_level') AS wal_level,
       pg_is_in_recovery() AS in_recovery,
       current_setting('max_replication_slots')::int4 AS max_slots,
       (SELECT count(*) FROM pg_replication_slots)::int4 AS used_slots,
       current_setting('max_wal_senders')::int4 AS max_senders,
       (SELECT count(*) FROM pg_stat_get_wal_senders())::int4 AS used_senders,
       current_setting('max_logical_replication_workers')::int4 AS max_logical_workers,
       (SELECT count(*) FROM pg_stat_subscription WHERE pid IS NOT NULL)::int4 AS used_logical_workers,
       current_setting('max_worker_processes')::int4 AS max_workers,
       (SELECT CASE WHEN setting::int8 < 0 THEN -1 ELSE setting::int8 * 1048576 END
          FROM pg_settings WHERE name = 'max_slot_wal_keep_size') AS max_slot_wal_keep_bytes,
       current_setting('max_connections')::int4 AS max_connections,
       (SELECT coalesce(sum(numbackends), 0) FROM pg_stat_database)::int4 AS connections,
       pg_encoding_to_char(d.encoding)::text AS encoding,
       CASE to_jsonb(d)->>'datlocprovider'
         WHEN 'i' THEN 'icu:' || coalesce(to_jsonb(d)->>'datlocale', to_jsonb(d)->>'daticulocale', '')
         WHEN 'b' THEN 'builtin:' || coalesce(to_jsonb(d)->>'datlocale', '')
         ELSE d.datcollate::text END AS collation,
       current_user::text AS role,
       r.rolsuper AS is_superuser,
       (r.rolsuper OR r.rolreplication) AS has_replication,
       has_database_privilege(current_database(), 'CREATE') AS can_create_in_database,
       (r.rolsuper OR EXISTS (SELECT FROM pg_roles c WHERE c.rolname = 'pg_create_subscription'
                                 AND pg_has_role(current_user, c.oid, 'USAGE'))) AS can_subscribe
  FROM pg_database d, pg_roles r
 WHERE d.datname = current_database() AND r.rolname = current_user";

/// Everything but the tables that are not ours. Of a server that is too old, its version alone.
pub(super) async fn read(database: &PgDatabase) -> Result<ServerFacts> {
    let failed = || database.failed("reading the server's settings");
    match sqlx::query(FACTS).fetch_one(database.pool()).await.and_then(|row| facts(&row)) {
        Ok(facts) => Ok(facts),
        // An old server lacks views and settings, and what it complains of would say nothing to the operator.
        Err(error) => match version_alone(database).await {
            Ok(facts) if facts.version_num < OLDEST => Ok(facts),
            Ok(_) | Err(_) => Err(failed()(error)),
        },
    }
}

async fn version_alone(database: &PgDatabase) -> sqlx::Result<ServerFacts> {
    let sql =
        "SELECT current_setting('server_version_num')::int4, split_part(current_setting('server_version'), ' ', 1)";
    let (version_num, version) = sqlx::query_as(sql).fetch_one(database.pool()).await?;
    Ok(ServerFacts { version_num, version, ..ServerFacts::default() })
}

fn facts(row: &PgRow) -> sqlx::Result<ServerFacts> {
    Ok(ServerFacts {
        version_num: row.try_get("version_num")?,
        version: row.try_get("version")?,
        system_identifier: row.try_get("system_identifier")?,
        database: row.try_get("database")?,
        wal_level: row.try_get("wal_level")?,
        in_recovery: row.try_get("in_recovery")?,
        max_slots: row.try_get("max_slots")?,
        used_slots: row.try_get("used_slots")?,
        max_senders: row.try_get("max_senders")?,
        used_senders: row.try_get("used_senders")?,
        max_logical_workers: row.try_get("max_logical_workers")?,
        used_logical_workers: row.try_get("used_logical_workers")?,
        max_workers: row.try_get("max_workers")?,
        max_slot_wal_keep_bytes: row.try_get("max_slot_wal_keep_bytes")?,
        max_connections: row.try_get("max_connections")?,
        connections: row.try_get("connections")?,
        encoding: row.try_get("encoding")?,
        collation: row.try_get("collation")?,
        role: row.try_get("role")?,
        is_superuser: row.try_get("is_superuser")?,
        has_replication: row.try_get("has_replication")?,
        can_create_in_database: row.try_get("can_create_in_database")?,
        can_subscribe: row.try_get("can_subscribe")?,
        tables_not_owned: Vec::new(),
    })
}
