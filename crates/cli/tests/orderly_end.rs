//! A driver that is asked to end while a switch runs ends the switch first.
#![allow(clippy::unwrap_used, clippy::panic)]

mod ctl;

use std::{
    process::Command,
    time::{Duration, Instant},
};

use ctl::{Ctl, MIGRATION};
use switchyard_rig::{RigOptions, Workload, WorkloadConfig};

const PATIENCE: Duration = Duration::from_secs(60);

/// Waits for something that the journal or the cockpit shows.
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < PATIENCE, "still not: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_switch_is_driven_to_its_end_by_the_process_that_began_it() {
    let ctl = Ctl::start(RigOptions::default()).await;
    let workload = Workload::start(WorkloadConfig::of(&ctl.rig)).await.unwrap();
    ctl.walk_to_validated();
    for round in 0..3 {
        ctl.nobody_drives(PATIENCE);
        let mut driver = ctl.spawn(&["drive", MIGRATION]);
        until("the other process drives", || !ctl.status()["lease"]["holder"].is_null());
        ctl.done(&["run", MIGRATION, "reads", "100", "--wait", "60"]);
        for args in [vec!["run", MIGRATION, "writes"], vec!["rollback", MIGRATION]] {
            let before = ctl.done(&["journal", MIGRATION, "--limit", "1"])["newest"].as_i64().unwrap();
            let mut asking = ctl.spawn(&args);
            until("the switch runs", || {
                ctl.done(&["journal", MIGRATION, "--after", &before.to_string()])["newest"].as_i64() > Some(before)
            });
            // Asked to end in the middle of the switch out, and left alone on the way back.
            if args[0] == "run" {
                Command::new("kill").args(["-INT", &driver.id().to_string()]).status().unwrap();
            }
            assert!(asking.wait().unwrap().success(), "round {round}: {args:?} was to be done");
            let journal = ctl.done(&["journal", MIGRATION, "--after", &before.to_string()]).to_string();
            for unwanted in ["\"recovered\"", "\"step_failed\"", "\"undo_started\""] {
                assert!(!journal.contains(unwanted), "round {round}: nobody had to recover anything: {unwanted}");
            }
        }
        let _ =
            Command::new("kill").args(["-INT", &driver.id().to_string()]).stderr(std::process::Stdio::null()).status();
        let _ = driver.wait();
    }
    let report = workload.stop().await;
    assert_eq!(report.client_errors(), 0, "no client noticed: {:?}", report.first_errors);
}
