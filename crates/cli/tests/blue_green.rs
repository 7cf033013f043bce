//! The blue-green strategy: reads and writes move in one switch and return in one, killed in the middle too, and nothing
//! acknowledged is lost.
#![allow(clippy::unwrap_used, clippy::panic)]

mod ctl;

use std::time::Duration;

use ctl::Ctl;
use serde_json::json;
use switchyard_rig::{Rig, RigOptions, Workload, WorkloadConfig, ledger};

const PATIENCE: Duration = Duration::from_secs(30);

fn route(ctl: &Ctl) -> (String, i64) {
    let status = ctl.status();
    (status["authority"].as_str().unwrap().to_owned(), status["reads_on_target"].as_i64().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_and_writes_move_at_once_and_return_at_once() {
    let mut ctl = Ctl::over(Rig::start(RigOptions { poolers: 1, ..RigOptions::default() }).await.unwrap());
    ctl.migration = "both".to_owned();
    ctl.add_endpoint("a", &ctl.rig.source);
    ctl.add_endpoint("b", &ctl.rig.target);
    ctl.create_migration_with("both", "a", "b", &["--strategy", "blue-green"]);
    let workload = Workload::start(WorkloadConfig::of(&ctl.rig)).await.unwrap();
    for step in ["analyze", "prepare", "replicate", "validate"] {
        ctl.done(&["run", "both", step, "--wait", "60"]);
    }
    ctl.set_limits(&[("lag_hold_s", json!(0)), ("receive_only_s", json!(0))]);

    let status = ctl.status();
    assert_eq!(status["next"]["command"]["command"], "switch_writes", "no rung comes before it: {}", status["next"]);
    let labels: Vec<&str> = status["ladder"].as_array().unwrap().iter().map(|r| r["label"].as_str().unwrap()).collect();
    assert_eq!(labels, ["Reads and writes", "Receive-only"], "the ladder has no rungs of reads");
    let refused = ctl.output(&["run", "both", "reads", "10"]);
    assert_eq!(refused.status.code(), Some(1), "reads do not move alone");
    assert!(String::from_utf8_lossy(&refused.stdout).contains("at once"), "and the sentence says why");

    let preview = ctl.output(&["preview", "both", "writes"]);
    let said = String::from_utf8_lossy(&preview.stdout).into_owned();
    assert!(said.contains("ro/"), "the preview names the routers' commands for reads: {said}");
    assert_eq!(route(&ctl), ("source".to_owned(), 0));
    ctl.done(&["run", "both", "writes", "--wait", "60"]);
    assert_eq!(route(&ctl), ("target".to_owned(), 100), "both moved");

    ctl.done(&["rollback", "both"]);
    assert_eq!(route(&ctl), ("source".to_owned(), 0), "both are back");

    // The process dies past the point of no return: before anything is routed, when writes are and reads are not, and when
    // both are. Each time it is finished forward, and each time everything comes back.
    for point in ["before:route", "within:route", "after:route"] {
        ctl.nobody_drives(PATIENCE);
        ctl.crash_at(&["run", "both", "writes", "--wait", "60"], point);
        ctl.recovered(PATIENCE);
        assert_eq!(route(&ctl), ("target".to_owned(), 100), "{point}: finished, reads included");
        ctl.nobody_drives(PATIENCE);
        ctl.crash_at(&["rollback", "both"], point);
        ctl.recovered(PATIENCE);
        assert_eq!(route(&ctl), ("source".to_owned(), 0), "{point}: on the way back too");
    }
    ctl.nobody_drives(PATIENCE);
    ctl.done(&["run", "both", "writes", "--wait", "60"]);

    ctl.nobody_drives(PATIENCE);
    ctl.done(&["run", "both", "validate", "--wait", "60"]);
    ctl.done(&["run", "both", "cleanup", "both", "--wait", "60"]);
    let report = workload.stop().await;
    let check = ledger::check(&ctl.rig.target.app_url(), &report.acknowledged).await.unwrap();
    assert_eq!(
        (check.lost.len(), check.duplicated.len()),
        (0, 0),
        "of {} acknowledged writes",
        report.acknowledged.len()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_strategy_that_is_none_is_refused_with_those_that_are() {
    let ctl = Ctl::over(Rig::start(RigOptions { poolers: 1, schema: None, ..RigOptions::default() }).await.unwrap());
    ctl.add_endpoint("a", &ctl.rig.source);
    ctl.add_endpoint("b", &ctl.rig.target);
    let create = |strategy: &str| {
        let out = ctl.output(&["migration", "create", "m", "--source", "a", "--target", "b", "--strategy", strategy]);
        (out.status.code(), String::from_utf8_lossy(&out.stdout).into_owned())
    };
    let (code, said) = create("green-blue");
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("green-blue") && said.contains("blue-green"), "what was given, and what can be: {said}");
    let (code, said) = create("rolling");
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("cannot be run"), "it is known and not run: {said}");
}
