//! `pg_stat_statements`, in whatever schema and version it is installed. It knows means and extremes and no percentiles.

use sqlx::AssertSqlSafe;
use switchyard_model::{drill, ident::quote};
use switchyard_queries::damage::Counted;

use super::super::PgDatabase;
use crate::{
    Error, Kind, Result,
    db::statements::{Reading, Refused},
};

/// The extension here; its version may be older than its library, so its columns are looked up.
const FIND: &str = "SELECT n.nspname::text, \
    EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'toplevel' AND a.attnum > 0), \
    EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'total_exec_time' AND a.attnum > 0), \
    EXISTS (SELECT FROM pg_class i WHERE i.relnamespace = n.oid AND i.relname = 'pg_stat_statements_info') \
    FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace \
    JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = 'pg_stat_statements' WHERE e.extname = 'pg_stat_statements'";

/// What the server shows in place of a text that our role may not see.
const HIDDEN: &str = "<insufficient privilege>";

/// Statements that are read, the longest in all first.
const MOST: usize = 20_000;

type Row = (String, Option<String>, f64, f64, f64, f64, f64, f64, f64, bool);

pub(super) async fn read(db: &PgDatabase, own: bool) -> Result<Reading> {
    let doing = "reading pg_stat_statements";
    let at: i64 = sqlx::query_scalar("SELECT (extract(epoch FROM clock_timestamp()) * 1000)::int8")
        .fetch_one(db.pool())
        .await
        .map_err(db.failed(doing))?;
    let found: Option<(String, bool, bool, bool)> =
        sqlx::query_as(FIND).fetch_optional(db.pool()).await.map_err(db.failed(doing))?;
    let mut reading = Reading { at, is_whole: true, ..Reading::default() };
    let Some((schema, top, exec, info)) = found else {
        reading.refused = Some(Refused {
            why: format!(
                "Statements of {} are not known: pg_stat_statements is not installed in its database.",
                db.label()
            ),
            remedy:
                "Put it into shared_preload_libraries, restart the server, and run CREATE EXTENSION pg_stat_statements \
                     there."
                    .to_owned(),
        });
        return Ok(reading);
    };
    let sql = select(&schema, top, exec);
    let rows: Vec<Row> = match sqlx::query_as(AssertSqlSafe(sql)).fetch_all(db.pool()).await {
        Ok(rows) => rows,
        Err(e) => {
            let error = db.failed(doing)(e);
            if !only_this_failed(&error) {
                return Err(error);
            }
            let why = format!("Statements of {} are not known. {}", db.label(), error.sentence());
            reading.refused = Some(Refused { why, remedy: remedy(&error).to_owned() });
            return Ok(reading);
        }
    };
    if info {
        let sql = format!(
            "SELECT dealloc::int8, (extract(epoch FROM stats_reset) * 1000)::int8 FROM {}.pg_stat_statements_info",
            quote(&schema)
        );
        let told: Option<(i64, Option<i64>)> =
            sqlx::query_as(AssertSqlSafe(sql)).fetch_optional(db.pool()).await.map_err(db.failed(doing))?;
        if let Some((evicted, since)) = told {
            reading.since = since;
            if evicted > 0 {
                reading.is_whole = false;
                reading.notes.push(format!(
                    "pg_stat_statements of {} has forgotten statements {evicted} times to make room: raise \
                     pg_stat_statements.max.",
                    db.label()
                ));
            }
        }
    }
    sort_out(db, rows, own, &mut reading);
    Ok(reading)
}

fn sort_out(db: &PgDatabase, rows: Vec<Row>, own: bool, reading: &mut Reading) {
    let (mut hidden, mut ours, all) = (0_u32, 0_u32, rows.len());
    for (key, text, calls, total_ms, squares, max_ms, rows, hits, reads, is_ours) in rows {
        let Some(text) = text.filter(|t| t != HIDDEN) else {
            hidden += 1;
            continue;
        };
        if (is_ours || is_rehearsal(&text)) && !own {
            ours += 1;
            continue;
        }
        reading.statements.push(Counted { key, text, calls, total_ms, squares, max_ms, rows, hits, reads });
    }
    let label = db.label();
    reading.hidden = hidden;
    if hidden > 0 {
        reading.notes.push(format!(
            "{hidden} statements of other roles on {label} cannot be seen: grant pg_read_all_stats to {}.",
            db.endpoint().user
        ));
    }
    if ours > 0 {
        reading.notes.push(format!(
            "{ours} statements of {} on {label}, or of drills, are left out: they are Switchyard's own.",
            db.endpoint().user
        ));
    }
    if all >= MOST {
        reading.is_whole = false;
        reading.notes.push(format!("Only the {MOST} statements of {label} that took longest in all are looked at."));
    }
}

/// Whether drills sent it: they come in as the application does, and sleep on purpose.
fn is_rehearsal(text: &str) -> bool {
    text.split_once(drill::SCHEMA).is_some_and(|(_, after)| after.starts_with('.'))
}

fn select(schema: &str, top: bool, exec: bool) -> String {
    let top = if top { "s.toplevel::text" } else { "'true'" };
    let time = if exec { "_exec_time" } else { "_time" };
    format!(
        "SELECT coalesce(r.rolname::text, s.userid::text) || ' ' || {top} || ' ' || coalesce(s.queryid::text, ''), \
                left(s.query, 100000), s.calls::float8, s.total{time}::float8, \
                (s.calls * (s.stddev{time} * s.stddev{time} + s.mean{time} * s.mean{time}))::float8, s.max{time}::float8, \
                s.rows::float8, s.shared_blks_hit::float8, s.shared_blks_read::float8, coalesce(r.rolname = current_user, false) \
           FROM {}.pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid LEFT JOIN pg_roles r ON r.oid = s.userid \
          WHERE d.datname = current_database() ORDER BY s.total{time} DESC LIMIT {MOST}",
        quote(schema)
    )
}

/// Whether the server answers all the same: its library is not loaded, or our role is not let in.
fn only_this_failed(error: &Error) -> bool {
    matches!(error.kind, Kind::Privilege | Kind::Statement | Kind::Unsuitable | Kind::Deadline | Kind::LockTimeout)
}

fn remedy(error: &Error) -> &'static str {
    match error.kind {
        Kind::Privilege => "Grant the role USAGE on the extension's schema, and pg_read_all_stats.",
        _ => "Put pg_stat_statements into shared_preload_libraries and restart the server.",
    }
}

#[cfg(test)]
mod tests {
    use super::is_rehearsal;

    #[test]
    fn what_drills_ask_is_told_from_what_the_application_asks() {
        assert!(is_rehearsal("SELECT switchyard_drill.canary(), pg_sleep($1)"), "the canary's read");
        assert!(!is_rehearsal("SELECT switchyard_drills FROM shop"), "a name that only begins alike");
    }
}
