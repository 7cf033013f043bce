//! What the world looks like from outside: everything that a step may change and a person could find.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use super::world::World;
use sqlx::{AssertSqlSafe, PgConnection};
use switchyard_model::Side;

/// What was found, by the question.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outside(BTreeMap<String, Vec<String>>);

/// Questions to each side. Rows, beats and positions are left out: the load changes them all the time.
const QUESTIONS: &[(&str, &str)] = &[
    ("schemas", "SELECT nspname::text FROM pg_namespace WHERE nspname !~ '^pg_'"),
    (
        "relations",
        "SELECT format('%s.%s %s', relnamespace::regnamespace, relname, relkind) FROM pg_class \
         WHERE oid >= 16384 AND relnamespace::regnamespace::text !~ '^pg_'",
    ),
    (
        "functions and types",
        "SELECT format('%s.%s', pronamespace::regnamespace, proname) FROM pg_proc WHERE oid >= 16384 \
         UNION ALL SELECT format('%s.%s', typnamespace::regnamespace, typname) FROM pg_type WHERE oid >= 16384 AND typtype IN ('e', 'd')",
    ),
    ("the refusal", "SELECT prosrc FROM pg_proc WHERE proname = 'refuse'"),
    (
        "constraints",
        "SELECT format('%s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) FROM pg_constraint \
         WHERE conrelid >= 16384 AND contype <> 'n'",
    ),
    (
        "indexes",
        "SELECT pg_get_indexdef(indexrelid) || indisvalid || indisreplident FROM pg_index WHERE indexrelid >= 16384",
    ),
    (
        "triggers",
        "SELECT format('%s %s %s', tgrelid::regclass, tgname, tgenabled) FROM pg_trigger WHERE NOT tgisinternal",
    ),
    (
        "publications",
        "SELECT format('%s %s%s%s%s %s', pubname, pubinsert, pubupdate, pubdelete, pubtruncate, \
         (SELECT string_agg(prrelid::regclass::text, ',' ORDER BY prrelid::regclass::text) FROM pg_publication_rel WHERE prpubid = p.oid)) \
         FROM pg_publication p",
    ),
    (
        "subscriptions",
        "SELECT format('%s %s %s %s', subname, subenabled, subslotname, subpublications) FROM pg_subscription \
         WHERE subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())",
    ),
    ("slots", "SELECT format('%s %s', slot_name, plugin) FROM pg_replication_slots WHERE slot_name !~ '_sync_'"),
    (
        "origins without a subscription",
        "SELECT roname FROM pg_replication_origin WHERE NOT EXISTS (SELECT FROM pg_subscription)",
    ),
    ("settings", "SELECT format('%s %s %s', setdatabase, setrole, setconfig) FROM pg_db_role_setting"),
    (
        "open fences",
        "SELECT DISTINCT 'a transaction holds tables against writers' FROM pg_locks WHERE locktype = 'relation' AND mode = 'ExclusiveLock' \
         AND relation >= 16384 AND granted",
    ),
    (
        "transactions left open",
        "SELECT format('%s: %s', application_name, left(query, 60)) FROM pg_stat_activity WHERE usename = 'switchyard' \
         AND backend_type = 'client backend' AND state LIKE 'idle in transaction%' \
         AND NOT EXISTS (SELECT FROM pg_locks l WHERE l.pid = pg_stat_activity.pid AND mode = 'ExclusiveLock' AND relation >= 16384)",
    ),
];

/// Whether any application table holds a row.
const FILLED: &str = "SELECT format('SELECT EXISTS (SELECT FROM %s)', oid::regclass) FROM pg_class \
                      WHERE relkind = 'r' AND relnamespace::regnamespace::text IN ('public', 'audit')";

async fn ask(connection: &mut PgConnection, sql: &str) -> Vec<String> {
    let sql = format!("SELECT coalesce(x, 'NULL') FROM ({sql}) AS q(x) ORDER BY 1");
    sqlx::query_scalar(AssertSqlSafe(sql.clone())).fetch_all(connection).await.unwrap_or_else(|e| panic!("{sql}: {e}"))
}

async fn is_filled(connection: &mut PgConnection) -> bool {
    for sql in ask(connection, FILLED).await {
        if sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut *connection).await.unwrap() {
            return true;
        }
    }
    false
}

impl Outside {
    /// Looks, around all proxies.
    pub async fn look(world: &World) -> Outside {
        let mut found = BTreeMap::new();
        let (mut subscribed, mut copies, mut filled) = (false, Vec::new(), false);
        for side in [Side::Source, Side::Target] {
            let mut connection = world.looking(side).await;
            for (question, sql) in QUESTIONS {
                found.insert(format!("{side}: {question}"), ask(&mut connection, sql).await);
            }
            match side {
                Side::Source => {
                    copies = ask(
                        &mut connection,
                        "SELECT slot_name::text FROM pg_replication_slots WHERE slot_name ~ '_sync_'",
                    )
                    .await;
                }
                Side::Target => {
                    subscribed = !found["target: subscriptions"].is_empty();
                    filled = is_filled(&mut connection).await;
                }
            }
        }
        // While a subscription copies, slots come and go and tables fill; without one, neither may be there.
        if !subscribed {
            found.insert("slots of copies without a subscription".into(), copies);
            found.insert("rows on the target without a subscription".into(), vec![filled.to_string()]);
        }
        let route = world.routers.read_back(0).await;
        found.insert("route".into(), vec![format!("{:?}", route.route)]);
        found.insert("clients held".into(), vec![route.holding.to_string()]);
        Outside(found)
    }

    /// Looks until it is as expected: a backend that was cut off is gone a moment later.
    pub async fn settles(world: &World, expected: &Outside, why: &str) {
        let began = Instant::now();
        loop {
            let now = Outside::look(world).await;
            if now == *expected {
                return;
            }
            assert!(began.elapsed() < Duration::from_secs(15), "{why}:\n{}", expected.difference(&now));
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// The same with another answer to one question.
    pub fn with(&self, question: &str, answer: &str) -> Outside {
        let mut other = self.clone();
        other.0.insert(question.to_owned(), vec![answer.to_owned()]);
        other
    }

    /// The questions whose answers differ.
    pub fn changed(&self, now: &Outside) -> Vec<String> {
        let questions: std::collections::BTreeSet<&String> = self.0.keys().chain(now.0.keys()).collect();
        questions.into_iter().filter(|q| self.0.get(*q) != now.0.get(*q)).cloned().collect()
    }

    /// What differs, for people.
    pub fn difference(&self, now: &Outside) -> String {
        let mut out = String::new();
        let questions: std::collections::BTreeSet<&String> = self.0.keys().chain(now.0.keys()).collect();
        for question in questions {
            let none = Vec::new();
            let (a, b) = (self.0.get(question).unwrap_or(&none), now.0.get(question).unwrap_or(&none));
            let gone = a.iter().filter(|x| !b.contains(x)).map(|x| format!("  - {question}: {x}\n"));
            let new = b.iter().filter(|x| !a.contains(x)).map(|x| format!("  + {question}: {x}\n"));
            out.extend(gone.chain(new));
        }
        out
    }
}
