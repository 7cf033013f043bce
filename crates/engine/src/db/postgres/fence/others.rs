//! Who else is connected, and who would stand in the way of the fence.

use sqlx::Row;
use switchyard_model::ident::TableName;

use crate::{
    Result,
    db::{
        Blocker, Session,
        connect::APPLICATION,
        postgres::{PgDatabase, arrays},
    },
};

/// Transactions that hold or wait for a lock against which ours would wait.
///
/// A transaction whose age our role may not see is listed with age -1, for it may be any age. Plain autovacuums are left
/// out, because they give way; those against wraparound do not.
pub(super) async fn blockers(database: &PgDatabase, tables: &[TableName], min_age_ms: i64) -> Result<Vec<Blocker>> {
    let (schemas, names) = arrays(tables);
    let rows = sqlx::query(
        "WITH rel AS (SELECT c.oid FROM unnest($1::text[], $2::text[]) AS w(s, r) \
                        JOIN pg_namespace n ON n.nspname = w.s JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = w.r), \
              held AS (SELECT DISTINCT l.pid, l.virtualtransaction FROM pg_locks l JOIN rel ON rel.oid = l.relation \
                        WHERE l.locktype = 'relation' AND l.mode <> 'AccessShareLock' \
                          AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())), \
              who AS (SELECT h.pid, coalesce(a.application_name, '') AS application, a.client_addr, a.client_port, \
                             a.xact_start AS since, coalesce(a.query, '') AS query \
                        FROM held h JOIN pg_stat_activity a ON a.pid = h.pid \
                       WHERE h.pid <> pg_backend_pid() \
                         AND NOT (coalesce(a.backend_type, '') = 'autovacuum worker' AND a.query NOT LIKE '%wraparound%') \
                      UNION ALL \
                      SELECT 0, 'prepared transaction ' || p.gid, NULL, NULL, p.prepared, '' \
                        FROM held h JOIN pg_locks x ON x.locktype = 'transactionid' AND x.pid IS NULL \
                             AND x.virtualtransaction = h.virtualtransaction \
                        JOIN pg_prepared_xacts p ON p.transaction = x.transactionid WHERE h.pid IS NULL) \
         SELECT pid, application, query, coalesce(host(client_addr) || ':' || client_port, 'local') AS address, \
                coalesce((extract(epoch FROM clock_timestamp() - since) * 1000)::int8, -1) AS age_ms \
           FROM who WHERE since IS NULL OR since <= clock_timestamp() - $3::int8 * interval '1 ms' \
          ORDER BY since NULLS FIRST, pid",
    )
    .bind(schemas)
    .bind(names)
    .bind(min_age_ms)
    .fetch_all(database.pool())
    .await
    .map_err(database.failed("looking for transactions in the way of the fence"))?;
    Ok(rows
        .iter()
        .map(|r| Blocker {
            pid: r.get("pid"),
            application: r.get("application"),
            address: r.get("address"),
            age_ms: r.get("age_ms"),
            query: r.get::<String, _>("query").chars().take(200).collect(),
        })
        .collect())
}

/// Client sessions in this database that are not ours.
pub(super) async fn sessions(database: &PgDatabase) -> Result<Vec<Session>> {
    let rows = sqlx::query(
        "SELECT pid, coalesce(usename::text, '') AS usename, coalesce(application_name, '') AS application, \
                coalesce(host(client_addr) || ':' || client_port, 'local') AS address \
           FROM pg_stat_activity \
          WHERE datname = current_database() AND pid <> pg_backend_pid() \
            AND coalesce(backend_type, 'client backend') = 'client backend' \
            AND NOT (usename = current_user AND application_name = $1) ORDER BY pid",
    )
    .bind(APPLICATION)
    .fetch_all(database.pool())
    .await
    .map_err(database.failed("listing the sessions"))?;
    Ok(rows
        .iter()
        .map(|r| Session {
            pid: r.get("pid"),
            user: r.get("usename"),
            application: r.get("application"),
            address: r.get("address"),
        })
        .collect())
}
