//! Transactions that are open or prepared, of all databases: a new slot waits for every one that wrote.

use switchyard_model::preflight::particulars::LONG_S;

use crate::db::connect::APPLICATION;

/// A transaction that wrote has a number, which `backend_xid` shows to whoever sees other sessions.
pub(super) fn long() -> String {
    format!(
        "SELECT pg_has_role(current_user, 'pg_read_all_stats', 'USAGE') AS sees_all, \
                (SELECT coalesce(json_agg(json_build_object('pid', a.pid, 'database', coalesce(a.datname, ''), \
                        'role', coalesce(a.usename, ''), 'application', coalesce(a.application_name, ''), \
                        'age_s', floor(extract(epoch FROM clock_timestamp() - a.xact_start))::int8) ORDER BY a.xact_start), '[]') \
                   FROM pg_stat_activity a \
                  WHERE a.backend_type = 'client backend' AND a.backend_xid IS NOT NULL AND a.application_name <> '{APPLICATION}' \
                    AND a.xact_start < clock_timestamp() - interval '{LONG_S} s') AS long"
    )
}

pub(super) const TWO_PHASE: &str = "SELECT current_setting('max_prepared_transactions')::int4 AS max, \
    (SELECT coalesce(json_agg(json_build_object('gid', p.gid, 'database', p.database, 'owner', p.owner, \
            'age_s', floor(extract(epoch FROM clock_timestamp() - p.prepared))::int8) ORDER BY p.prepared), '[]') \
       FROM pg_prepared_xacts p) AS open";
