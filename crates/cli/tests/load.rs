//! Generated load on real servers: a rate is held, the knee is found, and nobody's writes are hit.

#![allow(clippy::unwrap_used, clippy::panic)]

mod ctl;

use ctl::{Ctl, MIGRATION};
use serde_json::Value;
use switchyard_rig::{Rig, RigOptions, Server};

/// A database on a server of the rig that no migration knows.
const SCRATCH: &str = "scratch";

struct Load {
    ctl: Ctl,
    folder: tempfile::TempDir,
}

impl Load {
    fn script(&self, name: &str, text: &str) -> String {
        let file = self.folder.path().join(name);
        std::fs::write(&file, text).unwrap();
        file.to_str().unwrap().to_owned()
    }

    /// Runs load as the shop's user; the exit code and the one object on stdout.
    fn run(&self, at: &str, args: &[&str]) -> (i32, Value, String) {
        let mut all = vec!["load", "run", "--at", at];
        all.extend(args);
        let output = self.ctl.output(&all);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let json = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
        (output.status.code().unwrap(), json, said)
    }
}

fn url(server: &Server, database: &str) -> String {
    format!("postgres://{}@{}:{}/{database}", server.logins.switchyard.user, server.host, server.port)
}

async fn scratch(server: &Server) {
    let mut connection = server.connect("postgres").await.unwrap();
    let owner = &server.logins.switchyard.user;
    sqlx::raw_sql(sqlx::AssertSqlSafe(format!("CREATE DATABASE {SCRATCH} OWNER \"{owner}\"")))
        .execute(&mut connection)
        .await
        .unwrap();
    let mut connection = server.connect(SCRATCH).await.unwrap();
    let sql = format!(
        "CREATE TABLE t (id int PRIMARY KEY, n int NOT NULL); INSERT INTO t SELECT i, 0 FROM generate_series(1, 1000) i; \
                       ALTER TABLE t OWNER TO \"{owner}\""
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rate_is_held_on_a_scratch_copy_and_refused_where_writes_are() {
    let ctl = Ctl::over(Rig::start(RigOptions::default()).await.unwrap());
    ctl.add_endpoint("a", &ctl.rig.source);
    ctl.add_endpoint("b", &ctl.rig.target);
    ctl.create_migration(MIGRATION, "a", "b");
    scratch(&ctl.rig.target).await;
    let load = Load { ctl, folder: tempfile::tempdir().unwrap() };
    let at = url(&load.ctl.rig.target, SCRATCH);
    let count = load.script(
        "count.sql",
        "\\set id random(1, :rows)\nUPDATE t SET n = n + 1 WHERE id = :id;\nSELECT n FROM t WHERE id = :id;\n",
    );

    let (code, loaded, said) =
        load.run(&at, &["--script", &count, "--rate", "200", "--seconds", "3", "--define", "rows=1000"]);
    assert_eq!(code, 0, "{said}");
    let f = &loaded["rates"][0];
    let ended = f["transactions"].as_i64().unwrap();
    assert!((480..720).contains(&ended), "3 s at 200 a second: {f}");
    assert_eq!(f["statements"].as_i64().unwrap(), 2 * ended, "two statements each: {f}");
    let mut connection = load.ctl.rig.target.connect(SCRATCH).await.unwrap();
    let written: i64 = sqlx::query_scalar("SELECT sum(n) FROM t").fetch_one(&mut connection).await.unwrap();
    assert_eq!(written, ended, "what it counts is what the server did");
    assert!(f["latency"]["p50_ms"].as_f64().unwrap() > 0.0 && said.contains("ended,"), "each second is told: {said}");

    // One statement that fails is counted under its SQLSTATE, and the transaction does not go on.
    let broken = load.script("broken.sql", "BEGIN;\nSELECT 1 / (SELECT 0);\nUPDATE t SET n = -1;\nEND;\n");
    let (code, loaded, _) = load.run(&at, &["--script", &broken, "--rate", "50", "--seconds", "20"]);
    assert_eq!(code, 1, "it ends by itself when more fails than may");
    let f = &loaded["rates"][0];
    assert!(f["errors"]["22012"]["newest"].as_str().unwrap().contains("division by zero"), "{f}");
    assert!(loaded["why"].as_str().unwrap().contains("failed for 2 s"), "{loaded}");
    let untouched: i64 =
        sqlx::query_scalar("SELECT count(*) FROM t WHERE n < 0").fetch_one(&mut connection).await.unwrap();
    assert_eq!(untouched, 0, "nothing after the failure ran");

    // A server that serves little has its knee where it is: two sessions of 20 ms are 100 a second.
    let slow = load.script("slow.sql", "SELECT pg_sleep(0.02);\n");
    let climb = ["--script", &slow, "--ramp", "20..640", "--steps", "6", "--seconds", "2", "--sessions", "2"];
    let (code, loaded, _) = load.run(&at, &climb);
    let knee = loaded["knee_per_second"].as_f64().unwrap();
    assert!(code == 1 && (20.0..100.0).contains(&knee), "100 a second is more than is served: {loaded}");

    for (authority, reference) in
        [("by name", "a".to_owned()), ("by address", url(&load.ctl.rig.source, switchyard_rig::DATABASE))]
    {
        let (code, answer, said) = load.run(&reference, &["--script", &count, "--rate", "1"]);
        assert_eq!(code, 1, "{authority}: {said}");
        assert!(
            answer["error"]["message"].as_str().unwrap().contains("has the writes of “shop”"),
            "{authority}: {answer}"
        );
    }
    bad_input(&load, &at, &count);

    // The other side of a migration that is under way lets reads through.
    let stray = load.script("stray.sql", "CREATE TABLE stray (id int);\n");
    let (_, loaded, _) = load.run("b", &["--script", &stray, "--rate", "20", "--seconds", "1", "--max-failed", "100"]);
    assert_eq!(loaded["rates"][0]["transactions"].as_i64(), Some(0), "nor before anything of ours is there: {loaded}");
    for step in ["analyze", "prepare"] {
        load.ctl.done(&["run", MIGRATION, step]);
    }
    let read = load.script("read.sql", "SELECT count(*) FROM pg_class;\n");
    let (code, loaded, said) = load.run("b", &["--script", &read, "--rate", "50", "--seconds", "1"]);
    assert_eq!((code, loaded["read_only"].as_bool()), (0, Some(true)), "{said}");
    let (_, loaded, _) = load.run("b", &["--script", &stray, "--rate", "20", "--seconds", "1", "--max-failed", "100"]);
    let f = &loaded["rates"][0];
    assert_eq!(
        (f["transactions"].as_i64(), f["errors"]["25006"]["times"].as_i64()),
        (Some(0), f["failed"].as_i64()),
        "{f}"
    );
    let elsewhere = load.folder.path().join("other.db");
    let (code, answer, _) = load.run(
        &url(&load.ctl.rig.target, switchyard_rig::DATABASE),
        &["--store", elsewhere.to_str().unwrap(), "--script", &read, "--rate", "1"],
    );
    assert_eq!(code, 1, "a side of somebody else's migration: {answer}");
    assert!(answer["error"]["message"].as_str().unwrap().contains("not in this store"), "{answer}");
}

fn bad_input(load: &Load, at: &str, script: &str) {
    let unended = load.script("unended.sql", "SELECT 1");
    for (args, said) in [
        (vec!["--script", "nowhere.sql", "--rate", "1"], "“nowhere.sql” cannot be read"),
        (vec!["--script", &unended, "--rate", "1"], "does not end"),
        (vec!["--script", script, "--rate", "0"], "A rate of 0"),
        (vec!["--script", script, "--rate", "NaN"], "A rate of NaN"),
        (vec!["--script", script, "--rate", "1", "--seconds=-1"], "--seconds -1"),
        (vec!["--script", script, "--rate", "1", "--sessions", "0"], "0 sessions"),
        (vec!["--script", script, "--rate", "1", "--define", "rows"], "no name=number"),
        (vec!["--script", script, "--rate", "1", "--max-failed", "101"], "no percentage"),
        (vec!["--script", script, "--ramp", "5"], "two rates"),
        (vec!["--script", script, "--ramp", "50..5"], "other way round"),
    ] {
        let (code, answer, _) = load.run(at, &args);
        let message = answer["error"]["message"].as_str().unwrap_or_default();
        assert!(code == 2 && message.contains(said), "{args:?}: {code} {answer}");
    }
    let (code, answer, _) = load.run("nobody", &["--script", script, "--rate", "1"]);
    assert!(
        code == 2 && answer["error"]["message"].as_str().unwrap().contains("neither a postgres:// URL"),
        "{answer}"
    );
    // A variable without a value is a failure of the script, not of this program.
    let (code, loaded, _) = load.run(at, &["--script", script, "--rate", "20", "--seconds", "5"]);
    assert!(
        code == 1 && loaded["rates"][0]["errors"]["script"]["newest"].as_str().unwrap().contains(":rows"),
        "{loaded}"
    );
}
