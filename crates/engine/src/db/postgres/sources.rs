//! `pg_stat_activity` and `pg_stat_database` as sources of facts.

use async_trait::async_trait;
use sqlx::FromRow;
use switchyard_model::{
    ident::quote,
    sources::{
        Growth::{AndAll, PerSecond},
        Reading, Unit,
    },
};

use super::{PgDatabase, options::APPLICATION};
use crate::{
    Result,
    db::sources::{Look, Sources},
};

/// Sessions of others. A role that may not look at them gets neither their state nor their text, but sees that they are there.
const ACTIVITY: &str = "SELECT extract(epoch FROM clock_timestamp())::float8 AS at_s, current_user::text AS role, \
    current_setting('track_activities')::bool AS tracked, pg_has_role(current_user, 'pg_read_all_stats', 'USAGE') AS sees_all, \
    pg_size_bytes(current_setting('track_activity_query_size'))::float8 AS most_text, a.* \
    FROM (SELECT count(*)::float8 AS sessions, count(*) FILTER (WHERE state IN ('active', 'fastpath function call'))::float8 AS active, \
         count(*) FILTER (WHERE state LIKE 'idle in transaction%')::float8 AS idle_in_transaction, \
         count(*) FILTER (WHERE wait_event_type = 'Lock')::float8 AS waiting, \
         count(*) FILTER (WHERE query = '<insufficient privilege>')::float8 AS hidden \
       FROM pg_stat_activity WHERE datname = current_database() AND usename IS NOT NULL AND NOT starts_with(application_name, $1) \
         AND coalesce(backend_type, 'client backend') = 'client backend') a";

const COUNTERS: &str = "SELECT extract(epoch FROM clock_timestamp())::float8 AS at_s, current_setting('track_counts')::bool AS tracked, \
    (extract(epoch FROM stats_reset) * 1000)::int8 AS since, numbackends::float8 AS backends, xact_commit::float8 AS commits, \
    xact_rollback::float8 AS rollbacks, tup_returned::float8 AS scanned, tup_fetched::float8 AS fetched, \
    tup_inserted::float8 AS inserted, tup_updated::float8 AS updated, tup_deleted::float8 AS deleted, deadlocks::float8 AS deadlocks, \
    temp_files::float8 AS temp_files, temp_bytes::float8 AS temp_bytes \
    FROM pg_stat_database WHERE datname = current_database()";

#[derive(FromRow)]
struct Activity {
    at_s: f64,
    role: String,
    tracked: bool,
    sees_all: bool,
    most_text: f64,
    sessions: f64,
    active: f64,
    idle_in_transaction: f64,
    waiting: f64,
    hidden: f64,
}

#[derive(FromRow)]
struct Counters {
    at_s: f64,
    tracked: bool,
    since: Option<i64>,
    backends: f64,
    commits: f64,
    rollbacks: f64,
    scanned: f64,
    fetched: f64,
    inserted: f64,
    updated: f64,
    deleted: f64,
    deadlocks: f64,
    temp_files: f64,
    temp_bytes: f64,
}

#[async_trait]
impl Sources for PgDatabase {
    async fn activity(&self) -> Result<Look> {
        let seen = sqlx::query_as(ACTIVITY).bind(APPLICATION).fetch_one(self.pool()).await;
        Ok(activity(self.label(), seen.map_err(self.failed("reading pg_stat_activity"))?))
    }

    async fn counters(&self) -> Result<Look> {
        let seen = sqlx::query_as(COUNTERS).fetch_one(self.pool()).await;
        Ok(counters(self.label(), seen.map_err(self.failed("reading pg_stat_database"))?))
    }
}

fn activity(label: &str, seen: Activity) -> Look {
    if !seen.tracked {
        let why = format!("{label} does not keep what its sessions run: track_activities is off.");
        return Look::Refused(why, "Set track_activities = on and reload the server.".to_owned());
    }
    let grant = format!("GRANT pg_read_all_stats TO {}; (pg_monitor holds it).", quote(&seen.role));
    if !seen.sees_all && seen.hidden >= seen.sessions {
        let why = format!("{} may not see what sessions of other roles on {label} run.", seen.role);
        return Look::Refused(why, grant);
    }
    let mut reading = Reading { at_s: seen.at_s, ..Reading::default() };
    reading.figure("", "sessions", seen.sessions, Unit::Count);
    for (name, value) in [
        ("active", seen.active),
        ("idle in transaction", seen.idle_in_transaction),
        ("waiting for a lock", seen.waiting),
    ] {
        reading.figure("", name, value, Unit::Count);
    }
    reading.figure("", "longest text kept", seen.most_text, Unit::Bytes);
    let hidden = || format!("{} sessions of other roles on {label} cannot be seen.", seen.hidden);
    Look::Seen { reading, lacks: (!seen.sees_all).then(|| (hidden(), grant)) }
}

fn counters(label: &str, seen: Counters) -> Look {
    if !seen.tracked {
        let why = format!("{label} counts nothing: track_counts is off.");
        return Look::Refused(why, "Set track_counts = on and reload the server; autovacuum needs it too.".to_owned());
    }
    let mut reading = Reading { at_s: seen.at_s, since: seen.since, ..Reading::default() };
    reading.figure("", "sessions", seen.backends, Unit::Count);
    for (name, value) in [
        ("commits", seen.commits),
        ("rows scanned", seen.scanned),
        ("rows found by an index", seen.fetched),
        ("rows inserted", seen.inserted),
        ("rows updated", seen.updated),
        ("rows deleted", seen.deleted),
    ] {
        reading.counter("", name, value, Unit::Count, PerSecond);
    }
    for (name, value) in
        [("rollbacks", seen.rollbacks), ("deadlocks", seen.deadlocks), ("temporary files", seen.temp_files)]
    {
        reading.counter("", name, value, Unit::Count, AndAll);
    }
    reading.counter("", "written to temporary files", seen.temp_bytes, Unit::Bytes, AndAll);
    Look::Seen { reading, lacks: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(sees_all: bool, sessions: f64, hidden: f64) -> Activity {
        let (role, most_text) = ("Ann's".to_owned(), 1024.0);
        let rest = (true, 1.0, 0.0, 0.0);
        Activity {
            at_s: 1.0,
            role,
            tracked: rest.0,
            sees_all,
            most_text,
            sessions,
            active: rest.1,
            idle_in_transaction: rest.2,
            waiting: rest.3,
            hidden,
        }
    }

    #[test]
    fn what_a_role_may_not_see_is_told_with_what_mends_it() {
        let refused = |look: Look| matches!(look, Look::Refused(_, remedy) if remedy.contains("TO \"Ann's\";"));
        assert!(refused(activity("a", seen(false, 4.0, 4.0))), "it sees none of them");
        assert!(refused(activity("a", seen(false, 0.0, 0.0))), "nor would it, if there were one");
        let Look::Seen { lacks: Some((why, _)), .. } = activity("a", seen(false, 4.0, 3.0)) else { panic!() };
        assert!(why.starts_with("3 sessions"), "{why}");
        assert!(matches!(activity("a", seen(true, 4.0, 0.0)), Look::Seen { lacks: None, .. }));
        let off = Activity { tracked: false, ..seen(true, 4.0, 0.0) };
        assert!(matches!(activity("a", off), Look::Refused(why, _) if why.contains("track_activities")));
    }
}
