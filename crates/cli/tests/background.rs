//! The comparison in the background of a real migration: it finds what nobody's stream tells, closes the gate, opens it
//! again, survives a kill, obeys pause, stands aside for a switch, and leaves nothing behind.
#![allow(clippy::unwrap_used, clippy::panic)]

mod ctl;

use std::{
    process::Child,
    time::{Duration, Instant},
};

use ctl::{Ctl, MIGRATION};
use serde_json::Value;
use sqlx::Connection;
use switchyard_rig::{DATABASE, RigOptions, Server, Workload, WorkloadConfig};

/// Long enough for a full pass over the small shop on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);

fn consistency(ctl: &Ctl) -> Value {
    serde_json::from_slice(&ctl.output(&["consistency", MIGRATION]).stdout).unwrap()
}

/// Looks until it holds.
fn until(ctl: &Ctl, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
    let began = Instant::now();
    loop {
        let now = consistency(ctl);
        if holds(&now) {
            return now;
        }
        assert!(began.elapsed() < PATIENCE, "waited in vain for {what}: {now:#}");
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// Every table has had its full pass under this following, and every change was verified after `after`.
fn settled(c: &Value, after: i64) -> bool {
    let since = c["following"]["since"].as_i64();
    let tables = c["tables"].as_array().unwrap();
    since.is_some()
        && !tables.is_empty()
        && c["following"]["verified"].as_i64().is_some_and(|at| at > after)
        && tables.iter().all(|t| t["standing"]["full_began"].as_i64() >= since)
}

fn differing(c: &Value) -> Vec<String> {
    let tables = c["tables"].as_array().unwrap().iter();
    let differing = tables.filter(|t| t["standing"]["verdict"] == "different");
    differing.map(|t| t["standing"]["table"]["name"].as_str().unwrap().to_owned()).collect()
}

fn gate(ctl: &Ctl) -> Value {
    let gates = ctl.status()["gates"].clone();
    gates.as_array().unwrap().iter().find(|g| g["gate"] == "consistency").unwrap().clone()
}

fn now_ms() -> i64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis() as i64
}

async fn corrupt(server: &Server, sql: &str) {
    server.execute(sql).await.unwrap();
}

/// Slots and publications.
async fn left(server: &Server) -> Vec<String> {
    let sql = "SELECT 'slot ' || slot_name FROM pg_replication_slots UNION ALL SELECT 'publication ' || pubname FROM pg_publication";
    let mut connection = sqlx::PgConnection::connect(&server.admin_url(DATABASE)).await.unwrap();
    sqlx::query_scalar(sql).fetch_all(&mut connection).await.unwrap()
}

fn kill(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_difference_that_no_stream_tells_closes_the_gate_until_it_is_gone() {
    let ctl = Ctl::start(RigOptions { poolers: 1, ..RigOptions::default() }).await;
    let workload = Workload::start(WorkloadConfig::of(&ctl.rig)).await.unwrap();
    ctl.walk_to_validated();
    let driver = ctl.spawn(&["drive", MIGRATION]);
    let first = until(&ctl, "the first full pass", |c| settled(c, 0));
    assert_eq!(differing(&first), Vec::<String>::new(), "no false alarm under load: {first:#}");
    assert_eq!(first["following"]["trouble"], Value::Null);
    let followed = |c: &Value| c["following"]["changed"].as_i64() > Some(100);
    until(&ctl, "changes of the workload to be verified", followed);
    assert_eq!(gate(&ctl)["verdict"], "pass", "all is equal: {}", gate(&ctl));

    // Row level triggers and the stream do not see this; only the target's own log does.
    corrupt(&ctl.rig.target, "UPDATE category SET name = name || ' ' WHERE category_id = 3").await;
    let found = until(&ctl, "the corrupted row", |c| differing(c) == ["category"]);
    let standing = found["tables"][0]["standing"].clone();
    assert_eq!((&standing["table"]["name"], &standing["findings"]), (&"category".into(), &1.into()), "it comes first");
    let began = Instant::now();
    while gate(&ctl)["verdict"] != "fail" {
        assert!(began.elapsed() < PATIENCE, "divergence pauses the cutover: {}", gate(&ctl));
        std::thread::sleep(Duration::from_millis(100));
    }
    assert!(gate(&ctl)["why"].as_str().unwrap().contains("1 row differs"), "{}", gate(&ctl));
    let refused = ctl.output(&["run", MIGRATION, "reads", "100"]);
    assert_eq!(refused.status.code(), Some(1), "no read goes to a side that differs");

    corrupt(&ctl.rig.target, "UPDATE category SET name = rtrim(name) WHERE category_id = 3").await;
    until(&ctl, "the finding to go", |c| differing(c).is_empty());

    // A truncation names no row: until the table was compared as a whole, no verdict counts as verified since.
    corrupt(&ctl.rig.target, "SET session_replication_role = replica; TRUNCATE \"Gift Card\"").await;
    until(&ctl, "the truncated table", |c| differing(c) == ["Gift Card"]);
    ctl.done(&["run", MIGRATION, "repair", "--table", "public.Gift Card"]);
    until(&ctl, "the repaired table to be proven equal", |c| differing(c).is_empty());

    // Paused: nothing is looked at, and resumed it is.
    ctl.output(&["consistency", MIGRATION, "--pause"]);
    until(&ctl, "the pause", |c| c["following"]["activity"] == "paused");
    corrupt(&ctl.rig.target, "SET session_replication_role = replica; DELETE FROM category WHERE category_id = 4")
        .await;
    let paused = consistency(&ctl);
    assert_eq!(differing(&paused), Vec::<String>::new(), "paused is paused");
    ctl.output(&["consistency", MIGRATION, "--resume"]);
    until(&ctl, "what was changed during the pause", |c| differing(c) == ["category"]);

    // Killed; what changes meanwhile is told by no log, so the next process begins with a full pass.
    kill(driver);
    corrupt(&ctl.rig.target, "SET session_replication_role = replica; UPDATE warehouse SET warehouse_id = warehouse_id + 1000 WHERE warehouse_id = (SELECT max(warehouse_id) FROM warehouse)").await;
    ctl.nobody_drives(Duration::from_secs(30));
    let restarted = now_ms();
    let driver = ctl.spawn(&["drive", MIGRATION]);
    let again = until(&ctl, "a full pass of the next process", |c| settled(c, restarted));
    assert_eq!(differing(&again), ["category", "warehouse"], "both differences are found: {again:#}");
    kill(driver);
    workload.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_goes_on_across_a_switch_and_leaves_nothing_behind() {
    let ctl = Ctl::start(RigOptions { poolers: 1, ..RigOptions::default() }).await;
    let workload = Workload::start(WorkloadConfig::of(&ctl.rig)).await.unwrap();
    ctl.walk_to_validated();
    let driver = ctl.spawn(&["drive", MIGRATION]);
    until(&ctl, "the first full pass", |c| settled(c, 0));
    ctl.done(&["run", MIGRATION, "reads", "100", "--wait", "60"]);
    ctl.done(&["run", MIGRATION, "writes", "--wait", "60"]);
    assert_eq!(ctl.status()["authority"], "target");
    let switched = now_ms();
    let after = until(&ctl, "a round after the switch", |c| settled(c, switched + 2_000));
    assert_eq!(after["authority"], "target");
    assert_eq!(differing(&after), Vec::<String>::new(), "the source follows the target now: {after:#}");
    // Now the source is the other side, and fenced against everything but the stream.
    corrupt(&ctl.rig.source, "SET session_replication_role = replica; DELETE FROM category WHERE category_id = 5")
        .await;
    until(&ctl, "a row that the source lost", |c| differing(c) == ["category"]);
    ctl.done(&["run", MIGRATION, "cleanup", MIGRATION, "--wait", "60"]);
    kill(driver);
    workload.stop().await;
    for server in [&ctl.rig.source, &ctl.rig.target] {
        assert_eq!(left(server).await, Vec::<String>::new(), "Cleanup ends the following too");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_pass_that_was_killed_is_gone_on_with() {
    let ctl = Ctl::start(RigOptions { poolers: 1, schema: None, ..RigOptions::default() }).await;
    let rows = 900_000;
    let make = format!(
        "CREATE TABLE big (id bigint PRIMARY KEY, v text); \
         INSERT INTO big SELECT g, 'v' || g FROM generate_series(1, {rows}) g; ANALYZE"
    );
    ctl.rig.source.execute(&make).await.unwrap();
    for step in ["analyze", "prepare", "replicate"] {
        ctl.done(&["run", MIGRATION, step, "--wait", "120"]);
    }
    ctl.output(&["consistency", MIGRATION, "--throttle", "1"]);
    let driver = ctl.spawn(&["drive", MIGRATION]);
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(ctl.store()).read_only(true);
    let mut store = sqlx::SqliteConnection::connect_with(&options).await.unwrap();
    let began = Instant::now();
    loop {
        let kept: i64 = sqlx::query_scalar("SELECT count(*) FROM checkpoint").fetch_one(&mut store).await.unwrap();
        if kept > 0 {
            break;
        }
        assert!(began.elapsed() < PATIENCE, "it never kept how far it was: {:#}", consistency(&ctl));
        std::thread::sleep(Duration::from_millis(50));
    }
    kill(driver);
    assert!(consistency(&ctl)["tables"][0]["standing"]["full_at"].as_i64().is_none_or(|at| at == 0), "no verdict yet");

    ctl.nobody_drives(Duration::from_secs(30));
    // Faster, so that a slow machine gets to the end, and still so slow that the pass after it cannot hide this one's verdict.
    ctl.output(&["consistency", MIGRATION, "--throttle", "10"]);
    let restarted = now_ms();
    let driver = ctl.spawn(&["drive", MIGRATION]);
    let first = until(&ctl, "a first verdict", |c| c["tables"][0]["standing"]["full_at"].as_i64() > Some(restarted));
    let standing = &first["tables"][0]["standing"];
    assert_eq!((&standing["verdict"], &standing["rows_source"]), (&"equal".into(), &rows.into()), "{standing:#}");
    assert!(
        standing["full_began"].as_i64() < Some(restarted),
        "it did not begin anew, and the verdict is as old as its beginning: {standing:#}"
    );
    // Nobody followed changes in between, so it is compared once more.
    ctl.output(&["consistency", MIGRATION, "--throttle", "100"]);
    let covered = until(&ctl, "a pass under this following", |c| settled(c, restarted));
    assert!(covered["tables"][0]["standing"]["full_began"].as_i64() > Some(restarted));
    kill(driver);
}
