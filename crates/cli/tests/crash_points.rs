//! A write switch killed at every point, in both directions, while an application writes: one authority afterwards, nobody
//! left held, nothing acknowledged lost.
#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods)]

mod ctl;

use std::time::{Duration, Instant};

use ctl::{Ctl, MIGRATION};
use switchyard_model::switch::{ORDER, SwitchStep};
use switchyard_rig::{RigOptions, Workload, WorkloadConfig, ledger};

/// Longest time that clients may be held after a crash: the hold's deadline and the watchdog's patience on top.
const PATIENCE: Duration = Duration::from_secs(30);

/// Everything reads the authority's word here.
fn authority(status: &serde_json::Value) -> String {
    status["authority"].as_str().unwrap_or_default().to_owned()
}

/// Writers get answers again: nobody was left waiting.
async fn writers_go_on(workload: &Workload, point: &str) {
    let before = workload.acknowledged();
    let began = Instant::now();
    while workload.acknowledged() < before + 20 {
        assert!(began.elapsed() < PATIENCE, "clients are still waiting after the crash {point}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Reads to 100 %, where they are not.
fn to_the_top(ctl: &Ctl) {
    if ctl.status()["reads_on_target"] != 100 {
        ctl.done(&["run", MIGRATION, "reads", "100", "--wait", "60"]);
    }
}

fn points(when: &[&'static str]) -> Vec<(SwitchStep, &'static str)> {
    ORDER.into_iter().flat_map(|step| when.iter().map(move |w| (step, *w))).collect()
}

fn is_past(step: SwitchStep, when: &str) -> bool {
    let at = |s: SwitchStep| ORDER.iter().position(|o| *o == s).unwrap();
    let point = at(SwitchStep::PointOfNoReturn);
    at(step) > point || at(step) == point && when == "after"
}

#[tokio::test(flavor = "multi_thread")]
async fn every_crash_point_leaves_one_authority_and_loses_nothing() {
    let ctl = Ctl::start(RigOptions::default()).await;
    let workload = Workload::start(WorkloadConfig::of(&ctl.rig)).await.unwrap();
    ctl.walk_to_validated();
    let mut crashes = 0;
    for (step, when) in points(&["before", "after"]) {
        to_the_top(&ctl);
        let point = format!("{when}:{}", step.word());
        ctl.nobody_drives(PATIENCE);
        ctl.crash_at(&["run", MIGRATION, "writes", "--wait", "60"], &point);
        crashes += 1;
        let status = ctl.recovered(PATIENCE);
        let expected = if is_past(step, when) { "target" } else { "source" };
        assert_eq!(
            authority(&status),
            expected,
            "crashed {point}: before the point of no return it is undone, after it finished"
        );
        writers_go_on(&workload, &point).await;
        if expected == "target" {
            // The way back is crashed as well, at the same step; then it is walked to the end.
            ctl.nobody_drives(PATIENCE);
            ctl.crash_at(&["rollback", MIGRATION], &format!("before:{}", step.word()));
            crashes += 1;
            let status = ctl.recovered(PATIENCE);
            writers_go_on(&workload, &format!("on the way back before {}", step.word())).await;
            if authority(&status) == "target" {
                ctl.done(&["rollback", MIGRATION]);
            }
            assert_eq!(authority(&ctl.status()), "source", "after every crash there is a way back");
        }
    }
    let report = workload.stop().await;
    let check = ledger::check(&ctl.rig.source.app_url(), &report.acknowledged).await.unwrap();
    println!(
        "{crashes} crashes, {} acknowledged writes, {:?} was the longest",
        check.acknowledged, report.longest_write
    );
    assert!(check.acknowledged > 1000, "a ledger of {} writes proves little", check.acknowledged);
    assert!(check.lost.is_empty(), "acknowledged and gone: {:?}", check.lost);
    assert!(check.duplicated.is_empty(), "there twice: {:?}", check.duplicated);
}
