//! Names that a catalog allows and a careless program does not, through a whole journey with writers.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection, postgres::PgConnectOptions, raw_sql};
use switchyard_rig::{Rig, RigOptions, Server};

use crate::{ctl::Ctl, traces};

/// 63 bytes, the longest that is not cut, and not one of them ASCII but the last.
fn longest() -> String {
    "ä".repeat(31) + "x"
}

fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Tables with every kind of name, each with a key that a writer gives and a text that it writes.
struct Odd {
    table: String,
    key: String,
    text: String,
}

const SCHEMA: &str = "My \"Schema\" – ümläut";

fn odd() -> Vec<Odd> {
    let named = |schema: &str, table: &str, key: &str, text: &str| Odd {
        table: format!("{}.{}", quote(schema), quote(table)),
        key: quote(key),
        text: quote(text),
    };
    vec![
        named(SCHEMA, "select", "order", "from"),
        named(SCHEMA, "Has \"quotes\" and 'these'", "Key \"1\"", "It's; DROP TABLE x --"),
        named(SCHEMA, &longest(), &longest(), "back\\slash"),
        named("public", " spaces around ", "KEY", "Tab\there"),
        named("Ünïcode 表", "таблица", "clé", "値"),
        named("public", "$1", "%s", "{0}"),
    ]
}

/// The schema: keys, an identity, an un-owned sequence, an enum, a foreign key, a partitioned table, a trigger, a view.
fn schema() -> String {
    let mut sql = format!("CREATE SCHEMA {}; CREATE SCHEMA {};", quote(SCHEMA), quote("Ünïcode 表"));
    for o in odd() {
        sql += &format!("CREATE TABLE {} ({} bigint PRIMARY KEY, {} text NOT NULL);", o.table, o.key, o.text);
        sql += &format!("CREATE INDEX {} ON {} ({});", quote(&format!("Index of {}", &o.text[1..4])), o.table, o.text);
    }
    let s = quote(SCHEMA);
    let part = |n: u32| format!("{s}.{}", quote(&format!("part \"{n}\"")));
    sql + &format!(
        "CREATE TYPE {s}.\"Mood 'n\" AS ENUM ('so-so', 'gut \"genug\"');
         CREATE SEQUENCE {s}.\"Nr. \"\"X\"\"\" INCREMENT BY 7;
         CREATE TABLE {s}.\"Child of $1\" (\"Id\" bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
             \"Ref\" bigint NOT NULL REFERENCES public.\"$1\", mood {s}.\"Mood 'n\" NOT NULL DEFAULT 'so-so',
             \"Nr.\" bigint NOT NULL DEFAULT nextval('{s}.\"Nr. \"\"X\"\"\"'));
         CREATE TABLE {s}.\"Parts & pieces\" (\"At\" bigint, note text, PRIMARY KEY (\"At\")) PARTITION BY HASH (\"At\");
         CREATE TABLE {} PARTITION OF {s}.\"Parts & pieces\" FOR VALUES WITH (MODULUS 2, REMAINDER 0);
         CREATE TABLE {} PARTITION OF {s}.\"Parts & pieces\" FOR VALUES WITH (MODULUS 2, REMAINDER 1);
         CREATE FUNCTION {s}.\"Do it!\"() RETURNS trigger LANGUAGE plpgsql AS $f$ BEGIN NEW.note := coalesce(NEW.note, '') || '!'; RETURN NEW; END $f$;
         CREATE TRIGGER \"On \"\"each\"\"\" BEFORE INSERT ON {s}.\"Parts & pieces\" FOR EACH ROW EXECUTE FUNCTION {s}.\"Do it!\"();
         CREATE VIEW {s}.\"All of it\" AS SELECT c.\"Id\", c.mood FROM {s}.\"Child of $1\" c JOIN public.\"$1\" p ON p.\"%s\" = c.\"Ref\";",
        part(0),
        part(1)
    )
}

/// One transaction over every table. Text without parameters: older poolers break prepared statements.
fn write(n: i64) -> String {
    let inserts: String = odd()
        .iter()
        .map(|o| format!("INSERT INTO {} ({}, {}) VALUES ({n}, 'n {n}');", o.table, o.key, o.text))
        .collect();
    let s = quote(SCHEMA);
    format!(
        "BEGIN; {inserts} INSERT INTO {s}.\"Child of $1\" (\"Ref\", mood) VALUES ({n}, 'gut \"genug\"');
         INSERT INTO {s}.\"Parts & pieces\" VALUES ({n}, 'p');
         UPDATE {} SET {} = {} || '.' WHERE {} = {n}; COMMIT",
        odd()[0].table,
        odd()[0].text,
        odd()[0].text,
        odd()[0].key
    )
}

/// Clients that write until they are stopped, and remember what was acknowledged.
struct Writers {
    acknowledged: Arc<Mutex<BTreeSet<i64>>>,
    stop: Arc<AtomicBool>,
    tasks: Vec<tokio::task::JoinHandle<Vec<String>>>,
}

impl Writers {
    fn start(rig: &Rig) -> Writers {
        let (acknowledged, stop) = (Arc::<Mutex<BTreeSet<i64>>>::default(), Arc::<AtomicBool>::default());
        let urls = rig.rw_urls();
        let tasks = (0..4i64).map(|client| {
            let (url, acknowledged, stop) =
                (urls[client as usize % urls.len()].clone(), acknowledged.clone(), stop.clone());
            tokio::spawn(async move {
                let options: PgConnectOptions = url.parse().unwrap();
                let options = options.statement_cache_capacity(0).disable_statement_logging();
                let mut connection = options.connect().await.unwrap();
                let mut errors = Vec::new();
                for n in 1.. {
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                    let key = client * 1_000_000 + n;
                    match raw_sql(AssertSqlSafe(write(key))).execute(&mut connection).await {
                        Ok(_) => drop(acknowledged.lock().unwrap().insert(key)),
                        Err(e) => {
                            errors.push(e.to_string());
                            connection = options.connect().await.unwrap();
                        }
                    }
                    tokio::time::sleep(Duration::from_millis(15)).await;
                }
                errors
            })
        });
        Writers { tasks: tasks.collect(), acknowledged, stop }
    }

    fn count(&self) -> usize {
        self.acknowledged.lock().unwrap().len()
    }

    async fn go_on(&self, what: &str) {
        let (before, began) = (self.count(), Instant::now());
        while self.count() < before + 20 {
            assert!(began.elapsed() < Duration::from_secs(10), "writers wait after: {what}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// What was acknowledged. No client may have noticed anything.
    async fn stop(self) -> BTreeSet<i64> {
        self.stop.store(true, Ordering::Relaxed);
        for task in self.tasks {
            assert_eq!(task.await.unwrap(), Vec::<String>::new(), "no client met an error");
        }
        self.acknowledged.lock().unwrap().clone()
    }
}

/// Keys of every table on a server that are acknowledged; they must all be there.
async fn has_everything(server: &Server, acknowledged: &BTreeSet<i64>, side: &str) {
    let mut connection = PgConnection::connect(&server.app_url()).await.unwrap();
    let s = quote(SCHEMA);
    let mut tables: Vec<(String, String)> = odd().into_iter().map(|o| (o.table, o.key)).collect();
    tables.push((format!("{s}.\"Child of $1\""), "\"Ref\"".into()));
    tables.push((format!("{s}.\"Parts & pieces\""), "\"At\"".into()));
    for (table, key) in tables {
        let sql = format!("SELECT {key} FROM {table}");
        let found: Vec<i64> = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(&mut connection).await.unwrap();
        let distinct: BTreeSet<i64> = found.iter().copied().collect();
        let lost: Vec<&i64> = acknowledged.difference(&distinct).collect();
        assert!(lost.is_empty(), "acknowledged and not in {table} of the {side}: {lost:?}");
        assert_eq!(found.len(), distinct.len(), "there twice in {table} of the {side}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn names_with_quotes_capitals_spaces_and_63_bytes_go_the_whole_way() {
    let rig = Rig::start(RigOptions { schema: None, ..RigOptions::default() }).await.unwrap();
    let mut app = PgConnection::connect(&rig.source.app_url()).await.unwrap();
    raw_sql(AssertSqlSafe(schema())).execute(&mut app).await.unwrap();
    for n in 1..=300 {
        raw_sql(AssertSqlSafe(write(-n))).execute(&mut app).await.unwrap();
    }
    let mut ctl = Ctl::over(rig);
    ctl.migration = "Bücher \"42\" & Söhne".to_owned();
    let (source, target) = ("Quelle “ä” \"x\"", "Ziel 'b'");
    ctl.add_endpoint(source, &ctl.rig.source);
    ctl.add_endpoint(target, &ctl.rig.target);
    ctl.create_migration(&ctl.migration, source, target);
    let before = traces::of(&ctl.rig).await;
    let writers = Writers::start(&ctl.rig);

    ctl.walk_to_validated();
    let validation = ctl.status()["validation"].clone();
    assert!(validation["tables"].as_array().unwrap().len() >= 9, "every table was compared: {validation}");
    let m = ctl.migration.clone();
    for round in ["first", "second"] {
        // A verdict ages, and on a busy machine the first round takes longer than it is good for.
        ctl.done(&["run", &m, "validate", "--wait", "60"]);
        ctl.done(&["run", &m, "reads", "100", "--wait", "60"]);
        // Whether it is open by now is for the gates to say, whose measurements age; every statement can be said.
        let preview = ctl.output(&["preview", &m, "writes"]);
        let shown: serde_json::Value = serde_json::from_slice(&preview.stdout).unwrap();
        let steps = shown["steps"].as_array().unwrap();
        assert!(steps.len() > 10 && steps.iter().all(|s| s["problem"].is_null()), "in the {round} round: {shown}");
        let there = ctl.done(&["run", &m, "writes", "--wait", "60"]);
        assert_eq!(there["authority"], "target");
        writers.go_on("the switch").await;
        if round == "first" {
            let back = ctl.done(&["rollback", &m]);
            assert_eq!(back["authority"], "source");
            writers.go_on("the way back").await;
            let acknowledged = writers.acknowledged.lock().unwrap().clone();
            has_everything(&ctl.rig.source, &acknowledged, "source").await;
        }
    }
    ctl.done(&["run", &m, "validate", "--wait", "60"]);
    ctl.done(&["run", &m, "cleanup", &m, "--wait", "60"]);
    writers.go_on("cleanup").await;
    assert_eq!(traces::of(&ctl.rig).await, before, "nothing of ours is left");
    let acknowledged = writers.stop().await;
    println!("{} acknowledged writes", acknowledged.len());
    assert!(acknowledged.len() > 300, "{} writes prove little", acknowledged.len());
    has_everything(&ctl.rig.target, &acknowledged, "target").await;
}
