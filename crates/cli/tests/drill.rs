//! Drills on a real pair under load: each failure is noticed, everything comes back, nothing acknowledged is lost, and nothing of
//! the drill is left.
#![allow(clippy::unwrap_used, clippy::panic)]

mod ctl;

use std::time::Duration;

use ctl::{Ctl, MIGRATION};
use serde_json::{Value, json};
use switchyard_rig::{RigOptions, Workload, WorkloadConfig, ledger};

const PATIENCE: Duration = Duration::from_secs(30);

/// A validated pair whose ladder goes by tens, and a canary that the poolers let in.
fn rehearsable(ctl: &Ctl) {
    ctl.walk_to_validated();
    let ladder = json!([{ "percent": 10, "soak_s": 0 }, { "percent": 100, "soak_s": 0 }]);
    ctl.set_limits(&[("ladder", ladder), ("lag_limit_ms", json!(1000))]);
    let app = &ctl.rig.source.logins.app;
    for pooler in &ctl.rig.poolers {
        ctl.know_password(&pooler.host, pooler.port, &app.user, &app.password);
    }
}

/// Runs one; its figures, whatever came of it.
fn drill(ctl: &Ctl, failure: &str, more: &[&str]) -> Value {
    ctl.nobody_drives(PATIENCE);
    let args = [&["drill", "run", MIGRATION, "--failure", failure, "--canary", "app", "--within", "60"], more].concat();
    let out = ctl.output(&args);
    let (stdout, stderr) = (String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    println!("{failure}: {stdout}{stderr}");
    serde_json::from_str(stdout.lines().last().unwrap_or("null")).unwrap()
}

fn passed(ctl: &Ctl, failure: &str, more: &[&str]) -> Value {
    let figures = drill(ctl, failure, more);
    assert_eq!(figures["passed"], true, "{failure}: {figures}");
    assert_eq!((&figures["lost_writes"], &figures["duplicated_writes"]), (&json!(0), &json!(0)), "{failure}");
    assert!(
        figures["acknowledged_writes"].as_i64().unwrap() > 20,
        "{failure}: a short ledger proves little: {figures}"
    );
    let order = ["noticed_ms", "decided_ms", "routed_back_ms", "total_ms"].map(|part| figures[part].as_f64().unwrap());
    assert!(order.is_sorted(), "{failure}: one part comes after the other: {figures}");
    let status = ctl.status();
    assert_eq!(
        (status["authority"].as_str(), status["reads_on_target"].as_i64()),
        (Some("source"), Some(0)),
        "{failure}: a drill ends with everything on the source"
    );
    figures
}

async fn planted_rows(ctl: &Ctl) -> i64 {
    let mut rows = 0;
    for server in [&ctl.rig.source, &ctl.rig.target] {
        let mut connection = server.connect(switchyard_rig::DATABASE).await.unwrap();
        let sql = "SELECT count(*) FROM switchyard_drill.ledger WHERE n < 0";
        rows += sqlx::query_scalar::<_, i64>(sql).fetch_one(&mut connection).await.unwrap();
    }
    rows
}

#[tokio::test(flavor = "multi_thread")]
async fn every_failure_is_noticed_and_everything_comes_back() {
    let ctl = Ctl::start(RigOptions::default()).await;
    let workload = Workload::start(WorkloadConfig::of(&ctl.rig)).await.unwrap();
    rehearsable(&ctl);
    let status = ctl.status();
    assert_eq!(status["rollback"]["note"], "never tested: a hope", "a way back that nobody tried is a hope");

    for (failure, noticed_by) in [
        ("target-down", "canary"),
        ("slow-target", "canary"),
        ("target-errors", "this error was asked for"),
        ("replication-stopped", "Lag"),
        ("finding", "Consistency"),
        ("router-unreachable", "Route"),
    ] {
        let figures = passed(&ctl, failure, &[]);
        let by = figures["noticed_by"].as_str().unwrap();
        assert!(by.contains(noticed_by), "{failure} is noticed by what it breaks: {by}");
    }
    assert_eq!(planted_rows(&ctl).await, 0, "the planted row is gone");
    let note = ctl.status()["rollback"]["note"].as_str().unwrap().to_owned();
    assert!(
        note.starts_with("last drill: back in") && note.contains("0 of"),
        "the button says what was measured: {note}"
    );

    let listed = ctl.done(&["drill", "list", MIGRATION]);
    assert_eq!(listed["past"].as_array().unwrap().len(), 6, "each is kept");
    let report = String::from_utf8(ctl.output(&["drill", "report", MIGRATION]).stdout).unwrap();
    assert!(report.contains("| Target down |") && report.contains("**Passed.**"), "{report}");

    let report = workload.stop().await;
    let check = ledger::check(&ctl.rig.source.app_url(), &report.acknowledged).await.unwrap();
    assert!(check.is_clean(), "the application lost nothing either: {:?} {:?}", check.lost, check.duplicated);
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_are_rehearsed_at_the_top_of_the_ladder() {
    let ctl = Ctl::start(RigOptions::default()).await;
    let workload = Workload::start(WorkloadConfig::of(&ctl.rig)).await.unwrap();
    rehearsable(&ctl);
    let early = ctl.output(&["drill", "run", MIGRATION, "--writes", "--canary", "app"]);
    assert_eq!(early.status.code(), Some(1), "writes move after 100 % of reads, in a drill too");
    for failure in ["target-errors", "replication-stopped"] {
        for percent in ["10", "100"] {
            ctl.done(&["run", MIGRATION, "reads", percent, "--wait", "60"]);
        }
        let figures = passed(&ctl, failure, &["--writes"]);
        println!("longest wait for a write {} ms", figures["longest_write_ms"]);
    }
    let report = workload.stop().await;
    let check = ledger::check(&ctl.rig.source.app_url(), &report.acknowledged).await.unwrap();
    assert!(check.is_clean(), "the application lost nothing: {:?} {:?}", check.lost, check.duplicated);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_is_killed_leaves_no_failure_behind() {
    let ctl = Ctl::start(RigOptions::default()).await;
    rehearsable(&ctl);
    passed(&ctl, "operator-killed", &[]);

    // The process that runs a drill dies while its failure stands and reads are on the target.
    ctl.nobody_drives(PATIENCE);
    let mut child = ctl.spawn(&["drill", "run", MIGRATION, "--failure", "finding", "--canary", "app"]);
    let began = std::time::Instant::now();
    while planted_rows(&ctl).await == 0 {
        assert!(began.elapsed() < PATIENCE, "the drill never got to its failure");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let mut driver = ctl.spawn(&["drive", MIGRATION]);
    let began = std::time::Instant::now();
    loop {
        let drills = ctl.done(&["drill", "list", MIGRATION]);
        if drills["open"].is_null() {
            let why = drills["past"][0]["ended"][1]["why_not"][0].as_str().unwrap().to_owned();
            assert!(why.contains("ended before the drill did"), "{why}");
            break;
        }
        assert!(began.elapsed() < PATIENCE, "nobody ended the drill: {drills}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(planted_rows(&ctl).await, 0, "what it had planted is gone");
    assert_eq!(ctl.status()["reads_on_target"], 0, "what it had moved is back");
    let note = ctl.status()["rollback"]["note"].as_str().unwrap().to_owned();
    assert!(note.starts_with("last drill: back in"), "a drill that was cut short says nothing of the way back: {note}");
    driver.kill().unwrap();
    driver.wait().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_rehearsed_is_said_and_touches_nothing() {
    let ctl = Ctl::start(RigOptions::default()).await;
    let said = |args: &[&str], code: i32, sentence: &str| {
        let out = ctl.output(args);
        let said = String::from_utf8_lossy(&out.stderr).into_owned();
        assert_eq!(out.status.code(), Some(code), "{args:?}: {said}");
        assert!(said.contains(sentence), "{args:?} says “{sentence}”: {said}");
    };
    let run = |more: &[&'static str]| [&["drill", "run", MIGRATION], more].concat();
    said(&run(&["--failure", "earthquake", "--canary", "app"]), 2, "no failure that can be rehearsed");
    said(&run(&["--reads", "0", "--canary", "app"]), 2, "choose 1 to 100");
    said(&run(&[]), 2, "needs the name of a database role");
    said(&run(&["--canary", "app"]), 1, "run “Start replication” first");
    said(&["drill", "run", "nowhere", "--canary", "app"], 2, "nowhere");
    rehearsable(&ctl);
    said(&run(&["--reads", "50", "--canary", "app"]), 1, "at most 10 %");
    said(&["drill", "schedule", MIGRATION, "--every", "5m", "--canary", "app"], 2, "at least an hour apart");
    said(&["drill", "schedule", MIGRATION, "--every", "soon", "--canary", "app"], 2, "no span of time");

    let stranger = drill(&ctl, "target-down", &["--reads", "10"]);
    assert_eq!(stranger["passed"], true, "the role is known from the file of the passwords: {stranger}");
    ctl.nobody_drives(PATIENCE);
    let out = ctl.output(&run(&["--canary", "nobody"]));
    let figures: Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(out.status.code(), Some(1));
    assert!(figures["why_not"][0].as_str().unwrap().contains("there is no role “nobody”"), "{figures}");
    assert_eq!(ctl.status()["reads_on_target"], 0, "nothing was moved for a canary that does not exist");

    // By plan: the first is due at once, and whoever drives runs it.
    ctl.nobody_drives(PATIENCE);
    ctl.done(&["drill", "schedule", MIGRATION, "--every", "1h", "--failure", "target-errors", "--canary", "app"]);
    let mut driver = ctl.spawn(&["drive", MIGRATION]);
    let began = std::time::Instant::now();
    loop {
        let drills = ctl.done(&["drill", "list", MIGRATION]);
        let newest = &drills["past"][0];
        if newest["order"]["failure"] == "target_errors" {
            assert_eq!(newest["ended"][1]["passed"], true, "{newest}");
            let due = drills["due"].as_i64().unwrap();
            assert_eq!(due - newest["asked"].as_i64().unwrap(), 3_600_000, "the next one is due an hour later");
            break;
        }
        assert!(began.elapsed() < PATIENCE * 2, "the drill that is due does not run: {drills}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    driver.kill().unwrap();
    driver.wait().unwrap();
    ctl.done(&["drill", "schedule", MIGRATION, "--off"]);
    assert!(ctl.done(&["drill", "list", MIGRATION])["plan"].is_null());
}
