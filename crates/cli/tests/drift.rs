//! A table that is altered while a migration carries it closes the gates within seconds, and opens them when both sides are
//! alike again.
#![allow(clippy::unwrap_used, clippy::panic)]

mod ctl;

use std::time::{Duration, Instant};

use ctl::{Ctl, MIGRATION};
use serde_json::Value;
use switchyard_rig::{RigOptions, Workload, WorkloadConfig};

/// What the issue promises, with room for a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

fn gate(ctl: &Ctl) -> Value {
    let gates = ctl.status()["gates"].clone();
    gates.as_array().unwrap().iter().find(|g| g["gate"] == "schema").cloned().unwrap_or_default()
}

fn until(ctl: &Ctl, verdict: &str, why: &str) -> (Value, Duration) {
    let began = Instant::now();
    loop {
        let now = gate(ctl);
        if now["verdict"] == verdict {
            return (now, began.elapsed());
        }
        assert!(began.elapsed() < PATIENCE, "{why}: {now}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn now_ms() -> i64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis() as i64
}

/// What the gate says once it has looked after a time.
fn looked_after(ctl: &Ctl, after: i64) -> Value {
    let began = Instant::now();
    loop {
        let now = gate(ctl);
        if now["at"].as_i64() > Some(after) {
            return now;
        }
        assert!(began.elapsed() < PATIENCE, "it did not look again: {now}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_altered_table_closes_the_gates_until_both_sides_are_alike() {
    let ctl = Ctl::start(RigOptions { poolers: 1, ..RigOptions::default() }).await;
    let workload = Workload::start(WorkloadConfig::of(&ctl.rig)).await.unwrap();
    ctl.walk_to_validated();
    let mut driver = ctl.spawn(&["drive", MIGRATION]);
    until(&ctl, "pass", "nothing was altered, and the copy made both sides alike");

    // A wider column, as somebody does between two meetings.
    let (source, target) = (&ctl.rig.source, &ctl.rig.target);
    source.execute("ALTER TABLE category ADD COLUMN colour text").await.unwrap();
    let (closed, took) = until(&ctl, "fail", "a column was added on the source");
    println!("seen after {took:?}");
    assert!(closed["why"].as_str().unwrap().contains("public.category was altered on the source"), "{closed}");
    let refused = ctl.output(&["run", MIGRATION, "reads", "100"]);
    assert_eq!(refused.status.code(), Some(1), "no read goes to a side that lacks a column");

    target.execute("ALTER TABLE category ADD COLUMN colour varchar(10)").await.unwrap();
    let looked = looked_after(&ctl, now_ms());
    assert_eq!(looked["verdict"], "fail", "another type is another column: {looked}");
    target.execute("ALTER TABLE category ALTER COLUMN colour TYPE text").await.unwrap();
    until(&ctl, "pass", "both sides have it now");

    target.execute("ALTER TABLE category RENAME TO categories").await.unwrap();
    let (closed, _) = until(&ctl, "fail", "a table was renamed on the target");
    assert!(closed["why"].as_str().unwrap().contains("dropped or renamed on the target"), "{closed}");
    target.execute("ALTER TABLE categories RENAME TO category").await.unwrap();
    until(&ctl, "pass", "it was taken back");
    driver.kill().unwrap();
    driver.wait().unwrap();
    workload.stop().await;
}
