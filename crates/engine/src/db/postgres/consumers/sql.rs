//! The statements of a look. Each bears a mark, by which it is left out of what others ran.

use super::statements::Extension;

/// Version number, and [`switchyard_model::consumers::Facts`] as JSON.
pub(super) const FACTS: &str = "SELECT /* switchyard:consumers */ current_setting('server_version_num')::int4, json_build_object( \
    'version', split_part(current_setting('server_version'), ' ', 1), 'database', current_database(), 'role', current_user, \
    'sees_all', pg_has_role(current_user, 'pg_read_all_stats', 'USAGE'), 'standby', pg_is_in_recovery(), \
    'max_connections', current_setting('max_connections')::int8, \
    'reserved', current_setting('superuser_reserved_connections')::int8 \
                + coalesce(current_setting('reserved_connections', true), '0')::int8, \
    'counts', current_setting('track_counts')::bool, 'activities', current_setting('track_activities')::bool, \
    'statements_loaded', current_setting('pg_stat_statements.max', true) IS NOT NULL)::text";

/// Tables, without our own schema and temporary ones.
pub(super) const TABLES: &str = "SELECT /* switchyard:consumers */ relid::int8, schemaname::text, relname::text, \
    (coalesce(seq_scan, 0) + coalesce(idx_scan, 0))::float8, coalesce(n_tup_ins, 0)::float8, coalesce(n_tup_upd, 0)::float8, \
    coalesce(n_tup_del, 0)::float8 \
    FROM pg_stat_user_tables WHERE schemaname <> 'switchyard' AND schemaname !~ '^pg_temp_'";

/// Connections by consumer, and the counters. `$1` is our application name, `$2` the server's time of the look before.
///
/// A role that may not look at others gets no `backend_type`, address, state or times of theirs: whatever has a user counts as a
/// client then. Of walsenders, which may belong to no database, those of other databases are left out, and so are our
/// streams, which bear the names of our subscriptions; so are the workers that apply them.
///
/// From 15 on it asks that what this session adds to the counters is handed in at once, so that the next look can leave it out.
pub(super) fn look(version: i32, extension: Option<&Extension>) -> String {
    let flush = if version >= 150_000 { "pg_stat_force_next_flush()::text" } else { "NULL" };
    let (statements, forgotten) =
        extension.map_or(("NULL::float8".to_owned(), "NULL::float8".to_owned()), |e| (e.total(), e.forgotten()));
    format!(
        "WITH /* switchyard:consumers */ me AS (SELECT oid FROM pg_database WHERE datname = current_database()), \
         every AS (SELECT a.datid, a.usesysid, coalesce(a.application_name, '') AS application, \
                coalesce(a.usename::text, a.usesysid::text, '') AS \"user\", coalesce(a.backend_type, 'client backend') AS served, \
                CASE WHEN a.client_addr IS NOT NULL THEN host(a.client_addr) WHEN a.client_port = -1 THEN 'local' END AS address, \
                s.subname::text AS subscription, a.state, a.backend_start, \
                a.state IN ('active', 'fastpath function call') AS active, a.state LIKE 'idle in transaction%' AS idle, \
                greatest(0, extract(epoch FROM clock_timestamp() - a.state_change)) AS state_s, \
                greatest(0, extract(epoch FROM clock_timestamp() - a.xact_start)) AS xact_s, a.wait_event_type = 'Lock' AS waits, \
                coalesce(a.backend_start > to_timestamp($2), false) AS arrived \
                FROM pg_stat_activity a LEFT JOIN pg_stat_subscription s ON s.pid = a.pid), \
         kinds AS (SELECT e.*, CASE \
                WHEN served = 'client backend' THEN CASE WHEN usesysid IS NOT NULL AND e.datid = me.oid AND application <> $1 THEN 'client' END \
                WHEN served = 'walsender' THEN CASE WHEN coalesce(e.datid, 0) IN (0, me.oid) AND NOT starts_with(application, $1) THEN 'sender' END \
                WHEN served IN ('autovacuum worker', 'parallel worker') THEN NULL \
                WHEN e.datid = me.oid AND NOT starts_with(coalesce(subscription, ''), $1) THEN 'worker' END AS kind \
                FROM every e, me), \
         grouped AS (SELECT kind, \
                CASE WHEN kind = 'worker' THEN concat_ws(' ', served, coalesce(subscription, nullif(application, ''))) \
                     ELSE application END AS application, \
                \"user\", CASE WHEN kind = 'worker' THEN 'server' ELSE address END AS address, \
                count(*) AS connections, count(*) FILTER (WHERE arrived) AS arrived, count(*) FILTER (WHERE active) AS active, \
                count(*) FILTER (WHERE idle) AS idle_in_transaction, \
                coalesce(max(state_s) FILTER (WHERE idle), 0)::float8 AS idle_in_transaction_s, \
                coalesce(max(xact_s), 0)::float8 AS transaction_s, count(*) FILTER (WHERE waits) AS waiting, \
                count(*) FILTER (WHERE kind = 'client' AND coalesce(state, 'disabled') = 'disabled') AS hidden \
                FROM kinds WHERE kind IS NOT NULL GROUP BY 1, 2, 3, 4), \
         counters AS (SELECT extract(epoch FROM clock_timestamp())::float8 AS now, \
                extract(epoch FROM pg_postmaster_start_time())::float8 AS started, \
                extract(epoch FROM d.stats_reset)::float8 AS reset, \
                (SELECT count(*) FROM every WHERE served = 'client backend' AND usesysid IS NOT NULL AND application <> $1) AS connections, \
                o.left_out, o.left_out_arrived, (d.xact_commit + d.xact_rollback)::float8 AS transactions, d.sessions::float8 AS sessions, \
                (CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END - '0/0'::pg_lsn)::float8 AS wal, \
                {statements} AS statements, {forgotten} AS forgotten \
                FROM pg_stat_database d, me, LATERAL (SELECT count(*) AS left_out, count(*) FILTER (WHERE arrived) AS left_out_arrived \
                     FROM every WHERE served = 'client backend' AND datid = me.oid AND application = $1) o \
                WHERE d.datid = me.oid) \
         SELECT json_build_object('groups', (SELECT coalesce(json_agg(g), '[]'::json) FROM grouped g), \
                                  'counters', (SELECT to_json(c) FROM counters c), 'flush', {flush})::text"
    )
}
