//! `switchyardctl queries sources` on real servers and routers: what each source gives while an application runs, what a role
//! without privileges is told, and that a source which cannot be asked keeps none of the others back.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "bad_input/said.rs"]
mod said;

mod ctl;

use std::process::Command;

use ctl::{Ctl, MIGRATION};
use said::expect;
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection, PgConnection, raw_sql};
use switchyard_queries::shape::Shape;
use switchyard_rig::{Major, Rig, RigOptions, Server};
use tokio::task::JoinHandle;

/// What both sides have. The role that looks at the target has as little as will do.
const SCENE: &str = "CREATE EXTENSION pg_stat_statements; CREATE TABLE public.orders (id integer PRIMARY KEY, total integer); \
    INSERT INTO public.orders SELECT n, n FROM generate_series(1, 1000) n; GRANT SELECT, UPDATE ON public.orders TO app; \
    CREATE ROLE watcher LOGIN PASSWORD 'watched' IN ROLE pg_monitor; \
    GRANT EXECUTE ON FUNCTION pg_read_binary_file(text, bigint, bigint) TO watcher;";

async fn pair() -> Ctl {
    let settings: Vec<(String, String)> = [
        ("shared_preload_libraries", "pg_stat_statements"),
        ("logging_collector", "on"),
        ("log_destination", "csvlog"),
        ("log_directory", "log"),
        ("log_min_duration_statement", "0"),
    ]
    .map(|(k, v)| (k.to_owned(), v.to_owned()))
    .to_vec();
    let options = RigOptions {
        schema: None,
        target: Major::V18,
        poolers: 1,
        source_settings: settings.clone(),
        target_settings: settings,
        ..RigOptions::default()
    };
    let ctl = Ctl::over(Rig::start(options).await.unwrap());
    ctl.rig.source.execute(SCENE).await.unwrap();
    ctl.rig.target.execute(SCENE).await.unwrap();
    ctl.add_endpoint("a", &ctl.rig.source);
    endpoint(&ctl, "b", "watcher", "watched");
    ctl.create_migration(MIGRATION, "a", "b");
    ctl
}

/// The target, as another role.
fn endpoint(ctl: &Ctl, name: &str, user: &str, password: &str) {
    let Server { host, port, .. } = &ctl.rig.target;
    ctl.know_password(host, *port, user, password);
    ctl.done(&["endpoint", "add", name, "--url", &format!("postgres://{user}@{host}:{port}/shop")]);
}

/// An application that reads and writes until it is aborted. Poolers take no statement that is kept.
async fn application(url: String) -> JoinHandle<()> {
    let mut connection = PgConnection::connect(&url).await.unwrap();
    tokio::spawn(async move {
        for n in 1_i32.. {
            let id = n % 1000;
            for sql in [
                format!("SELECT total FROM orders WHERE id = {id}"),
                format!("UPDATE orders SET total = {n} WHERE id = {id}"),
            ] {
                raw_sql(AssertSqlSafe(sql)).fetch_all(&mut connection).await.unwrap();
            }
            tokio::task::yield_now().await;
        }
    })
}

fn json(out: &std::process::Output) -> Value {
    serde_json::from_slice(&out.stdout).unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&out.stderr)))
}

fn source<'a>(view: &'a Value, kind: &str, side: &Value) -> &'a Value {
    let found = view["sources"].as_array().unwrap().iter().find(|s| s["kind"] == kind && s["side"] == *side);
    found.unwrap_or_else(|| panic!("no {kind} of {side}: {view}"))
}

fn figure(source: &Value, of: &str, name: &str, unit: &str) -> f64 {
    let all = source["figures"].as_array().unwrap();
    let found = all.iter().find(|f| f["of"] == of && f["name"] == name && f["unit"] == unit);
    found.and_then(|f| f["value"].as_f64()).unwrap_or_else(|| panic!("no {name} ({unit}) of “{of}”: {source}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_source_says_what_it_gives_and_what_it_cannot_see() {
    let ctl = pair().await;
    let pooler = &ctl.rig.poolers[0];
    let loads = [application(pooler.rw_url()).await, application(ctl.rig.target.app_url()).await];
    let out = ctl.output(&["queries", "sources", MIGRATION, "--for", "2"]);
    let view = json(&out);
    assert_eq!(out.status.code(), Some(0), "all are set up, and pg_monitor is enough: {view}");
    for side in ["source", "target"].map(Value::from) {
        let of = |kind| source(&view, kind, &side);
        assert!(figure(of("statements"), "", "calls", "per_s") > 10.0, "the application runs: {view}");
        assert!(figure(of("statements"), "", "run time, mean", "ms") > 0.0, "{view}");
        assert!(figure(of("log"), "", "written", "bytes_per_s") > 100.0, "every duration is logged: {view}");
        assert!(figure(of("activity"), "", "sessions", "count") >= 1.0, "{view}");
        assert!(figure(of("database"), "", "commits", "per_s") > 10.0, "{view}");
        assert!(figure(of("database"), "", "rows updated", "per_s") > 10.0, "{view}");
        assert_eq!(figure(of("database"), "", "deadlocks", "count"), 0.0, "also what never happened: {view}");
    }
    let pool = source(&view, "pgbouncer", &Value::Null);
    assert!(figure(pool, "app_rw", "queries", "per_s") > 10.0, "{pool}");
    assert!(figure(pool, "app_rw", "query time, mean", "ms") > 0.0, "{pool}");
    assert!(figure(pool, "app_rw", "sent to clients", "bytes_per_s") > 100.0, "{pool}");
    let balancer = source(&view, "haproxy", &"source".into());
    assert!(figure(balancer, "rw/source", "sessions now", "count") >= 1.0, "the pooler's: {balancer}");
    assert_eq!(figure(source(&view, "haproxy", &"target".into()), "rw/target", "sessions now", "count"), 0.0);
    for one in view["sources"].as_array().unwrap() {
        assert!(one["cannot_see"].as_str().unwrap().ends_with('.'), "none sees all: {one}");
    }
    a_reset_is_noticed(&ctl).await;
    a_real_digest_is_read(&ctl).await;
    what_is_no_digest_is_told(&ctl);
    for load in loads {
        load.abort();
    }
    what_is_missing_is_said_with_what_mends_it(&ctl);
    what_cannot_be_asked_keeps_nothing_back(&ctl);
}

/// Somebody resets the target's counters over and over while they are read.
async fn a_reset_is_noticed(ctl: &Ctl) {
    let mut running = ctl.spawn_piped(&["queries", "sources", MIGRATION, "--for", "1"]);
    while running.try_wait().unwrap().is_none() {
        ctl.rig.target.execute("SELECT pg_stat_reset()").await.unwrap();
    }
    let view = json(&running.wait_with_output().unwrap());
    let reset = source(&view, "database", &"target".into());
    assert_eq!(reset["was_reset"], true, "{reset}");
    assert!(!reset["figures"].as_array().unwrap().iter().any(|f| f["unit"] == "per_s"), "no rate is made up: {reset}");
    assert_eq!(source(&view, "database", &"source".into())["was_reset"], false, "{view}");
}

/// pgBadger itself, over the target's log.
async fn a_real_digest_is_read(ctl: &Ctl) {
    if !Command::new("pgbadger").arg("--version").output().is_ok_and(|o| o.status.success()) {
        println!("SKIPPED the digest of a real log: pgbadger is not installed (apt-get install pgbadger)");
        return;
    }
    let (log, made) = (ctl.home().join("postgresql.csv"), ctl.home().join("digest.json"));
    std::fs::write(&log, logged(ctl).await).unwrap();
    let ran = Command::new("pgbadger").args(["-q", "-f", "csv", "-o"]).args([&made, &log]).output().unwrap();
    assert!(ran.status.success() && made.exists(), "{}", String::from_utf8_lossy(&ran.stderr));
    assert!(Command::new("gzip").arg("-k").arg(&made).status().unwrap().success());
    for file in ["digest.json", "digest.json.gz"].map(|name| ctl.home().join(name)) {
        let out = ctl.output(&["queries", "import", file.to_str().unwrap(), "--limit", "100", "--with", MIGRATION]);
        let view = json(&out);
        assert_eq!(view["kind"], "pgbadger", "{view}");
        let expected = if view["failed"] == 0 { 0 } else { 1 };
        assert_eq!(out.status.code(), Some(expected), "{view}");
        let id = Shape::of("SELECT total FROM orders WHERE id = $1").id;
        let all = view["statements"].as_array().unwrap();
        let read = all.iter().find(|s| s["shape"]["id"] == id.as_str()).unwrap_or_else(|| panic!("{id}: {view}"));
        assert!(read["calls"].as_f64() > Some(10.0) && read["mean_ms"].as_f64() > Some(0.0), "{read}");
        assert!(read["min_ms"].as_f64() <= read["mean_ms"].as_f64(), "{read}");
        assert_eq!((&read["p50_ms"], &read["p95_ms"]), (&Value::Null, &Value::Null), "it knows no percentiles: {read}");
        let known = view["known"].as_array().unwrap().iter().find(|k| k["id"] == id.as_str());
        let known = known.unwrap_or_else(|| panic!("both servers ran it: {view}"));
        assert!(known["source_ms"].as_f64() > Some(0.0) && known["target_ms"].as_f64() > Some(0.0), "{known}");
        assert!(view["from"].as_str() < view["to"].as_str(), "{view}");
    }
}

/// What the target has logged so far, whole lines.
async fn logged(ctl: &Ctl) -> Vec<u8> {
    let Server { host, port, .. } = &ctl.rig.target;
    let mut watcher = PgConnection::connect(&format!("postgres://watcher:watched@{host}:{port}/shop")).await.unwrap();
    let sql = "SELECT pg_read_binary_file(pg_current_logfile('csvlog'), 0, 1 << 24)";
    let mut bytes: Vec<u8> = sqlx::query_scalar(sql).fetch_one(&mut watcher).await.unwrap();
    let end = bytes.iter().rposition(|b| *b == b'\n').unwrap();
    bytes.truncate(end + 1);
    bytes
}

fn what_is_no_digest_is_told(ctl: &Ctl) {
    let file = ctl.home().join("report.html");
    std::fs::write(&file, "<!DOCTYPE html>").unwrap();
    let import = |file: &str, more: &[&str]| ctl.output(&[&["queries", "import", file], more].concat());
    expect(&import(file.to_str().unwrap(), &[]), 2, &["report.html", "HTML", "-x json"]);
    expect(&import("/nothing/here.json", &[]), 2, &["/nothing/here.json", "No such file"]);
    expect(&import(ctl.home().to_str().unwrap(), &[]), 2, &["is a folder"]);
    std::fs::write(&file, r#"{"classes":[{"fingerprint":"select ?","query_count":2}],"global":{}}"#).unwrap();
    expect(&import(file.to_str().unwrap(), &["--kind", "pgbadger"]), 2, &["made by pt-query-digest"]);
    let view = ctl.done(&["queries", "import", file.to_str().unwrap()]);
    assert_eq!((&view["kind"], &view["statements"][0]["mean_ms"]), (&"pt-query-digest".into(), &Value::Null), "{view}");
}

fn what_is_missing_is_said_with_what_mends_it(ctl: &Ctl) {
    let limited = &ctl.rig.target.logins.limited;
    endpoint(ctl, "shy", &limited.user, &limited.password);
    ctl.create_migration("shy", "a", "shy");
    let out = ctl.output(&["queries", "sources", "shy", "--for", "1"]);
    let view = json(&out);
    assert_eq!(out.status.code(), Some(1), "some are not usable: {view}");
    let of = |kind| source(&view, kind, &"target".into());
    for (kind, state, remedy) in [
        ("statements", "unusable", "pg_read_all_stats"),
        ("log", "unusable", "pg_monitor"),
        ("activity", "unusable", "GRANT pg_read_all_stats TO"),
    ] {
        assert_eq!(of(kind)["state"], state, "{view}");
        assert!(of(kind)["remedy"].as_str().unwrap().contains(remedy), "{view}");
    }
    assert_eq!(of("database")["state"], "usable", "anybody may read it: {view}");
}

fn what_cannot_be_asked_keeps_nothing_back(ctl: &Ctl) {
    let pooler = &ctl.rig.poolers[0];
    let nobody = format!("boss@{}:1", pooler.host);
    ctl.know_password(&pooler.host, 1, "boss", "guess");
    ctl.create_migration_with("deaf", "a", "b", &["--pgbouncer", &nobody]);
    let out = ctl.output(&["queries", "sources", "deaf", "--for", "1"]);
    let view = json(&out);
    assert_eq!(out.status.code(), Some(2), "one is not known: {view}");
    let all = view["sources"].as_array().unwrap();
    let unknown: Vec<&Value> = all.iter().filter(|s| s["state"] == "unknown").collect();
    assert_eq!(unknown.len(), 1, "the others are known: {view}");
    assert!(unknown[0]["why"].as_str().unwrap().contains("nothing listens"), "{view}");
    assert_eq!(all.iter().filter(|s| s["state"] == "usable").count(), 11, "{view}");
}
