//! The server beside its limits: origins, standbys, what ends a slot, collations, who else replicates into it.

/// Until 17 the limit of slots was the limit of origins too.
pub(super) const ORIGINS: &str = "SELECT s.setting::int4 AS max, s.name AS setting, \
            (SELECT count(*) FROM pg_replication_origin)::int4 AS used \
       FROM pg_settings s WHERE s.name IN ('max_active_replication_origins', 'max_replication_slots') \
      ORDER BY s.name LIMIT 1";

/// The function below the view, because the view hides other roles' sessions; a sender that holds no logical slot serves a
/// standby or a backup.
pub(super) const STANDBYS: &str = "SELECT \
    (SELECT coalesce(json_agg(slot_name::text ORDER BY slot_name), '[]') FROM pg_replication_slots \
      WHERE slot_type = 'physical' AND NOT temporary) AS slots, \
    (SELECT count(*) FROM pg_stat_get_wal_senders() w WHERE NOT EXISTS ( \
       SELECT FROM pg_replication_slots s WHERE s.active_pid = w.pid AND (s.slot_type = 'logical' OR s.temporary)))::int4 AS senders, \
    (SELECT setting FROM pg_settings WHERE name = 'synchronized_standby_slots') AS synchronized";

pub(super) const SLOT_TIMEOUT: &str = "SELECT (SELECT setting::int8 * CASE unit WHEN 'min' THEN 60 ELSE 1 END \
      FROM pg_settings WHERE name = 'idle_replication_slot_timeout') AS seconds";

pub(super) const SUBSCRIPTIONS: &str = "SELECT subname::text AS name FROM pg_subscription \
      WHERE subenabled AND subname !~ '^switchyard_' \
        AND subdbid = (SELECT oid FROM pg_database WHERE datname = current_database()) ORDER BY 1";

/// Of the collations those that a column or an index uses: a catalog has hundreds that nobody does.
pub(super) fn collations(version_num: i32) -> String {
    let of_database = if version_num >= 150_000 {
        "SELECT NULL::json AS name, datcollversion AS recorded, pg_database_collation_actual_version(oid) AS actual \
           FROM pg_database WHERE datname = current_database() UNION ALL "
    } else {
        // PostgreSQL 14 knows the versions of collations, but not of a database's own.
        ""
    };
    let name = super::name("n.nspname", "c.collname");
    format!(
        "WITH used AS MATERIALIZED (SELECT DISTINCT a.attcollation AS oid FROM pg_attribute a \
            WHERE a.attcollation <> 0 AND a.attrelid >= 16384), \
         seen(name, recorded, actual) AS MATERIALIZED ({of_database}SELECT {name}, c.collversion, pg_collation_actual_version(c.oid) \
           FROM used JOIN pg_collation c ON c.oid = used.oid JOIN pg_namespace n ON n.oid = c.collnamespace \
          WHERE c.collversion IS NOT NULL) \
         SELECT * FROM seen WHERE recorded <> actual"
    )
}
