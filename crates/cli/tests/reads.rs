//! What reads cost and how many fail on a real pair: measured all the time, judged for every step forward, by a process that
//! has just begun too.
#![allow(clippy::unwrap_used, clippy::panic)]

mod ctl;

use std::time::{Duration, Instant};

use ctl::{Ctl, MIGRATION};
use serde_json::{Value, json};
use switchyard_rig::{RigOptions, Workload, WorkloadConfig};

/// A minute has to pass before an error is no longer one of the last minute.
const PATIENCE: Duration = Duration::from_secs(120);

fn gate(status: &Value, name: &str) -> Value {
    let gates = status["gates"].as_array().unwrap().iter();
    gates.clone().find(|g| g["gate"] == name).unwrap_or_else(|| panic!("no gate {name} in {status:#}")).clone()
}

fn check(status: &Value, id: &str) -> Value {
    let checks = status["phases"].as_array().unwrap().iter().flat_map(|p| p["checks"].as_array().unwrap());
    checks.clone().find(|c| c["id"] == id).unwrap_or_else(|| panic!("no check {id}")).clone()
}

/// Looks until the gate says so.
fn until(ctl: &Ctl, name: &str, verdict: &str) -> Value {
    let began = Instant::now();
    loop {
        let gate = gate(&ctl.status(), name);
        if gate["verdict"] == verdict {
            return gate;
        }
        assert!(began.elapsed() < PATIENCE, "waited in vain for {name} to be {verdict}: {gate:#}");
        std::thread::sleep(Duration::from_millis(200));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_are_measured_all_the_time_and_judged_for_every_step() {
    let ctl = Ctl::start(RigOptions { poolers: 1, ..RigOptions::default() }).await;
    let workload = Workload::start(WorkloadConfig::of(&ctl.rig)).await.unwrap();
    ctl.walk_to_validated();
    ctl.set_limits(&[("ladder", json!([{ "percent": 50, "soak_s": 0 }, { "percent": 100, "soak_s": 0 }]))]);
    // Nobody has driven since the last command: what this process knows, it has measured itself.
    let began = Instant::now();
    ctl.done(&["run", MIGRATION, "reads", "50", "--wait", "60"]);
    println!("a process that had just begun took {:?}", began.elapsed());

    let mut driver = ctl.spawn(&["drive", MIGRATION]);
    until(&ctl, "latency", "pass");
    until(&ctl, "errors", "pass");
    // A session tells the server's statistics what it did only about a second later, and a new process counts from its first look.
    let began = Instant::now();
    let mut evidence = String::new();
    while !(evidence.contains("probe reads") && evidence.contains("transactions")) {
        assert!(began.elapsed() < PATIENCE, "the servers' own count is never among them: {evidence}");
        evidence = until(&ctl, "errors", "pass")["evidence"].as_str().unwrap().to_owned();
    }
    assert!(evidence.contains("errors are not counted by PgBouncer"), "what cannot be seen is said: {evidence}");
    let status = ctl.status();
    for id in ["cutover.latency", "cutover.errors"] {
        assert_eq!(check(&status, id)["verdict"]["verdict"], "pass", "{id} is computed");
    }
    let tile = &status["read_latency"];
    assert!(tile["samples"].as_u64() >= Some(20) && tile["target"]["p99_ms"].as_f64() > Some(0.0), "{tile}");
    a_bad_figure_is_refused(&ctl);
    what_was_measured_is_kept_over_time(&ctl);

    // Sessions of the application that the target ends.
    ctl.set_limits(&[("errors_per_million", json!(10))]);
    let kill = "SELECT pg_terminate_backend(pid, 1000) FROM pg_stat_activity WHERE usename = 'app'";
    for _ in 0..5 {
        ctl.rig.target.execute(kill).await.unwrap();
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    let shut = until(&ctl, "errors", "fail");
    assert!(shut["why"].as_str().unwrap().contains("sessions terminated"), "{shut:#}");
    let refused = ctl.output(&["run", MIGRATION, "reads", "100", "--wait", "60"]);
    let said = String::from_utf8_lossy(&refused.stdout).into_owned();
    assert!(refused.status.code() == Some(1) && said.contains("Errors: "), "it goes no further: {said}");
    ctl.set_limits(&[("errors_per_million", json!(100_000))]);

    // A target that says nothing.
    ctl.rig.target.freeze().unwrap();
    let silent = until(&ctl, "latency", "unknown");
    assert!(silent["missing"].as_str().unwrap().contains("last measured"), "good figures of then are none: {silent:#}");
    until(&ctl, "errors", "unknown");
    ctl.rig.target.thaw().unwrap();
    until(&ctl, "latency", "pass");
    until(&ctl, "errors", "pass");
    driver.kill().unwrap();
    driver.wait().unwrap();
    drop(workload.stop().await);
}

fn a_bad_figure_is_refused(ctl: &Ctl) {
    let mut limits = ctl.done(&["limits", MIGRATION]);
    limits["latency_ratio_percent"] = json!(50);
    let path = ctl.home().join("bad.json");
    std::fs::write(&path, limits.to_string()).unwrap();
    let refused = ctl.output(&["limits", MIGRATION, "--set", path.to_str().unwrap()]);
    let said = format!("{}{}", String::from_utf8_lossy(&refused.stdout), String::from_utf8_lossy(&refused.stderr));
    assert!(!refused.status.success() && said.contains("not 50 %"), "it names what is wrong: {said}");
}

/// Taken down each five seconds by whoever drives, and drawn for anybody.
fn what_was_measured_is_kept_over_time(ctl: &Ctl) {
    let picture = ctl.home().join("latency.svg");
    let ask = |more: &[&str]| ctl.output(&[&["queries", "latency", MIGRATION, "--minutes", "15"], more].concat());
    let began = Instant::now();
    let reads = loop {
        let out = ask(&["--chart", picture.to_str().unwrap()]);
        if out.status.code() != Some(2) {
            assert_eq!(out.status.code(), Some(0), "500 ms are within the demo's limits");
            break serde_json::from_slice::<Value>(&out.stdout).unwrap();
        }
        assert!(began.elapsed() < PATIENCE, "percentiles are never kept: {}", String::from_utf8_lossy(&out.stdout));
        std::thread::sleep(Duration::from_millis(200));
    };
    for side in 0..2 {
        let newest = &reads["sides"][side]["newest"];
        let of = |p: &str| newest[p].as_f64().unwrap();
        assert!(of("p50_ms") > 0.0 && of("p50_ms") <= of("p99_ms"), "measured, and in order: {reads:#}");
    }
    assert!(reads["ratio"]["p99_ms"].as_f64() > Some(0.0) && reads["worst"]["ratio"].as_f64() > Some(0.0), "{reads:#}");
    assert!(std::fs::read_to_string(&picture).unwrap().contains("P99 of reads"), "the picture says what it shows");

    let out = ask(&["--writes"]);
    let writes: Value = serde_json::from_slice(&out.stdout).unwrap();
    let missing = writes["sides"][1]["missing"].as_str().unwrap_or_default();
    assert!(missing.contains("not measured on the target"), "nobody commits there, and that is said: {writes:#}");
    assert_eq!(
        (&writes["ratio"], &writes["within"]),
        (&Value::Null, &Value::Null),
        "one side has no ratio: {writes:#}"
    );
}
