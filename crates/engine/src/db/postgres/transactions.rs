//! Transactions in the way of the fence, from `pg_locks`, `pg_stat_activity` and `pg_prepared_xacts`.
//!
//! Of a statement's text nothing leaves the server but its first word, and that only where it is one of SQL's.

use async_trait::async_trait;
use sqlx::{Row, postgres::PgRow};
use switchyard_model::{
    ident::{TableName, quote},
    transactions::{OpenTransaction, TransactionOf},
};

use super::{PgDatabase, arrays, options::APPLICATION};
use crate::{
    Error, Kind, Result,
    db::transactions::{Ending, InTheWay, Obstacles, Transactions},
};

/// So many are listed.
const MOST: i64 = 50;

/// For how long it is waited for a session to end, ms.
const ENDING_MS: i64 = 2_000;

/// The fence's lock conflicts with all but ACCESS SHARE. Who only waits for a lock is among them: the fence would queue behind.
/// Plain autovacuums give way and are left out; those against wraparound do not.
const IN_THE_WAY: &str = "WITH rel AS (SELECT c.oid, n.nspname || '.' || c.relname AS name \
         FROM unnest($1::text[], $2::text[]) AS w(s, r) \
         JOIN pg_namespace n ON n.nspname = w.s JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = w.r), \
       held AS (SELECT l.pid, l.virtualtransaction AS vxid, min(rel.name) AS relation, count(DISTINCT rel.oid)::int4 AS relations, \
             bool_or(NOT l.granted) AS queued \
         FROM pg_locks l JOIN rel ON rel.oid = l.relation \
         WHERE l.locktype = 'relation' AND l.mode <> 'AccessShareLock' \
           AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) GROUP BY 1, 2), \
       who AS (SELECT h.*, CASE coalesce(a.backend_type, 'client backend') WHEN 'client backend' THEN 'client' ELSE 'server' END AS of, \
             a.backend_start, a.xact_start AS since, coalesce(a.usename::text, '') AS role, \
             coalesce(a.application_name, '') AS application, \
             coalesce(host(a.client_addr) || ':' || a.client_port, 'local') AS address, coalesce(a.state, '') AS state, \
             upper(coalesce(substring(a.query FROM '^[[:space:]]*([[:alpha:]]+)'), '')) AS word, \
             nullif(concat_ws(': ', a.wait_event_type, a.wait_event), '') AS waits, a.wait_event_type \
           FROM held h JOIN pg_stat_activity a ON a.pid = h.pid \
           WHERE h.pid <> pg_backend_pid() AND NOT (a.usename = current_user AND a.application_name = $3) \
             AND NOT (coalesce(a.backend_type, '') = 'autovacuum worker' AND a.query NOT LIKE '%wraparound%') \
         UNION ALL \
         SELECT 0, h.vxid, h.relation, h.relations, h.queued, 'prepared', NULL, p.prepared, p.owner::text, p.gid, '', '', '', NULL, NULL \
           FROM held h JOIN pg_locks x ON x.locktype = 'transactionid' AND x.pid IS NULL AND x.virtualtransaction = h.vxid \
           JOIN pg_prepared_xacts p ON p.transaction = x.transactionid WHERE h.pid IS NULL) \
     SELECT pid, vxid, relation, relations, queued, of, role, application, address, state, word, \
       CASE WHEN wait_event_type <> 'Client' THEN waits END AS waits, \
       (extract(epoch FROM clock_timestamp() - since) * 1000)::int8 AS age_ms, \
       (extract(epoch FROM backend_start) * 1000000)::int8 AS session_us, (extract(epoch FROM since) * 1000000)::int8 AS began_us, \
       count(*) OVER () AS all_of_them \
     FROM who WHERE since IS NULL OR since <= clock_timestamp() - $4::int8 * interval '1 ms' \
     ORDER BY since NULLS FIRST, pid LIMIT $5";

/// Process, session and transaction have to be those that were shown, in one statement with the end.
const END: &str = "SELECT pg_terminate_backend(a.pid, $5) FROM pg_stat_activity a WHERE a.pid = $1 \
     AND (extract(epoch FROM a.backend_start) * 1000000)::int8 = $2 AND (extract(epoch FROM a.xact_start) * 1000000)::int8 = $3 \
     AND a.backend_type = 'client backend' AND a.pid <> pg_backend_pid() \
     AND NOT (a.usename = current_user AND a.application_name = $4)";

/// First words that are shown as they are; whatever else a client sent is nobody's business.
const WORDS: [&str; 24] = [
    "SELECT",
    "INSERT",
    "UPDATE",
    "DELETE",
    "MERGE",
    "TRUNCATE",
    "COPY",
    "WITH",
    "BEGIN",
    "START",
    "COMMIT",
    "ROLLBACK",
    "SAVEPOINT",
    "RELEASE",
    "LOCK",
    "ALTER",
    "CREATE",
    "DROP",
    "VACUUM",
    "ANALYZE",
    "REINDEX",
    "FETCH",
    "EXECUTE",
    "CALL",
];

#[async_trait]
impl Transactions for PgDatabase {
    async fn in_the_way(&self, tables: &[TableName], min_age_ms: i64) -> Result<Obstacles> {
        let (schemas, names) = arrays(tables);
        let rows = sqlx::query(IN_THE_WAY)
            .bind(schemas)
            .bind(names)
            .bind(APPLICATION)
            .bind(min_age_ms)
            .bind(MOST)
            .fetch_all(self.pool())
            .await;
        rows.and_then(|rows| read(&rows)).map_err(self.failed("looking for transactions in the way of the fence"))
    }

    async fn end(&self, which: &InTheWay) -> Result<Ending> {
        let shown = &which.shown;
        let doing = format!("ending process {} on {}", shown.pid, self.label());
        let Some([session, transaction]) = which.began.filter(|_| shown.of == TransactionOf::Client) else {
            return Err(cannot(self, which, doing));
        };
        let told: sqlx::Result<Option<bool>> = sqlx::query_scalar(END)
            .bind(shown.pid)
            .bind(session)
            .bind(transaction)
            .bind(APPLICATION)
            .bind(ENDING_MS)
            .fetch_optional(self.pool())
            .await;
        match told {
            Ok(Some(true)) => Ok(Ending::Ended),
            Ok(Some(false)) => Ok(Ending::Told),
            Ok(None) => Ok(Ending::WasOver),
            Err(e) => Err(refused(self, super::classify::classify(doing, e))),
        }
    }
}

/// Why it is none that can be ended from here, and what can be done.
fn cannot(database: &PgDatabase, which: &InTheWay, doing: String) -> Error {
    let role = quote(&database.endpoint().user);
    match which.shown.of {
        TransactionOf::Client => Error::new(
            Kind::Privilege,
            doing,
            format!(
                "our role may not see when it began, so it could be another one by now: GRANT pg_monitor, pg_signal_backend TO {role}"
            ),
        ),
        TransactionOf::Server => {
            Error::new(Kind::Refused, doing, "it is a process of the server's own, and no client's: it ends by itself")
        }
        TransactionOf::Prepared => Error::new(
            Kind::Refused,
            doing,
            format!(
                "“{}” is prepared, and whoever prepared it decides: COMMIT PREPARED or ROLLBACK PREPARED there",
                which.shown.application
            ),
        ),
    }
}

fn refused(database: &PgDatabase, error: Error) -> Error {
    if error.kind != Kind::Privilege {
        return error;
    }
    let grant = format!(
        "{}: GRANT pg_signal_backend TO {} lets it end sessions of others, but not of superusers",
        error.why,
        quote(&database.endpoint().user)
    );
    Error::new(Kind::Privilege, error.doing, grant)
}

fn read(rows: &[PgRow]) -> sqlx::Result<Obstacles> {
    let all: i64 = rows.first().map_or(Ok(0), |row| row.try_get("all_of_them"))?;
    let listed = rows.iter().map(one).collect::<sqlx::Result<Vec<_>>>()?;
    let more = u32::try_from(all - listed.len() as i64).unwrap_or(0);
    Ok(Obstacles { listed, more })
}

fn one(row: &PgRow) -> sqlx::Result<InTheWay> {
    let of = match row.try_get::<String, _>("of")?.as_str() {
        "prepared" => TransactionOf::Prepared,
        "server" => TransactionOf::Server,
        _ => TransactionOf::Client,
    };
    let pid: i32 = row.try_get("pid")?;
    let began = match (row.try_get("session_us")?, row.try_get("began_us")?) {
        (Some(session), Some(transaction)) => Some([session, transaction]),
        _ => None,
    };
    let word: String = row.try_get("word")?;
    let shown = OpenTransaction {
        id: began.filter(|_| of == TransactionOf::Client).map(|began| id(pid, began)),
        of,
        pid,
        application: row.try_get("application")?,
        user: row.try_get("role")?,
        address: row.try_get("address")?,
        age_ms: row.try_get("age_ms")?,
        state: row.try_get("state")?,
        statement: if WORDS.contains(&word.as_str()) { word } else { String::new() },
        waits_for: row.try_get("waits")?,
        table: row.try_get("relation")?,
        tables: row.try_get::<i32, _>("relations")?.unsigned_abs(),
        queued: row.try_get("queued")?,
    };
    Ok(InTheWay { shown, virtual_id: row.try_get("vxid")?, began })
}

/// The process, and a mark that another transaction of it, or another process of that number, does not have. The end itself asks for
/// both times as a whole.
fn id(pid: i32, [session, transaction]: [i64; 2]) -> String {
    let mixed = (session ^ transaction.rotate_left(24)) as u64;
    format!("{pid}-{:08x}", mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_of_one_transaction_alone() {
        let [a, b] = [1_795_901_234_567_890, 1_795_901_234_987_654];
        assert_eq!(id(7, [a, b]), id(7, [a, b]));
        let others = [id(7, [a, b + 1]), id(7, [a + 1, b]), id(7, [b, a]), id(8, [a, b])];
        assert!(others.iter().all(|other| *other != id(7, [a, b])), "{others:?}");
    }
}
