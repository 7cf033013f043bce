//! A write switch that is disturbed half way while an application writes: one of two poolers, a laptop that sleeps, a disk
//! that is full. Nobody stays held, nothing acknowledged is lost, and the next switch goes through.

mod disk;
mod one_pooler;
mod sleep;

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use switchyard_rig::{RigOptions, Server, Workload, WorkloadConfig, ledger};

use crate::{ctl::Ctl, traces};

/// How long clients may be held, in these tests.
const HOLD: Duration = Duration::from_millis(2_500);
/// After how long without a word the watchdog takes over: the hold's deadline and the age of a canary.
const WATCHDOG: Duration = Duration::from_millis(2_500 + 2_500);
/// For everything that has no limit of its own.
const PATIENCE: Duration = Duration::from_secs(40);

/// A migration at 100 % of reads, and an application.
struct Scene {
    ctl: Ctl,
    workload: Workload,
}

impl Scene {
    async fn set(store: Option<std::path::PathBuf>) -> Scene {
        let rig = switchyard_rig::Rig::start(RigOptions::default()).await.unwrap();
        let mut ctl = Ctl::over(rig);
        if let Some(store) = store {
            ctl = ctl.with_store(store);
        }
        ctl.add_endpoint("a", &ctl.rig.source);
        ctl.add_endpoint("b", &ctl.rig.target);
        ctl.create_migration(&ctl.migration, "a", "b");
        let workload = Workload::start(WorkloadConfig::of(&ctl.rig)).await.unwrap();
        ctl.walk_to_validated();
        ctl.set_limits(&[
            ("hold_deadline_ms", json!(HOLD.as_millis() as u64)),
            ("lock_timeout_ms", json!(800)),
            ("canary_max_age_ms", json!(2_500)),
        ]);
        let scene = Scene { ctl, workload };
        scene.to_the_top();
        scene
    }

    /// Reads to 100 %, where they are not.
    fn to_the_top(&self) {
        if self.ctl.status()["reads_on_target"] != 100 {
            self.ctl.done(&["run", &self.ctl.migration, "reads", "100", "--wait", "60"]);
        }
    }

    fn switch(&self) -> [&str; 5] {
        ["run", &self.ctl.migration, "writes", "--wait", "60"]
    }

    fn journal_after(&self, seq: i64) -> Vec<Value> {
        let page = self.ctl.done(&["journal", &self.ctl.migration, "--after", &seq.to_string(), "--limit", "1000"]);
        page["lines"].as_array().unwrap().clone()
    }

    fn newest(&self) -> i64 {
        self.ctl.done(&["journal", &self.ctl.migration, "--limit", "1"])["newest"].as_i64().unwrap()
    }

    /// Every writer gets answers again within this time; not only their sum, for half of them are behind the other pooler.
    async fn writes_go_on(&self, what: &str, within: Duration) {
        let (before, began) = (self.workload.acknowledged(), Instant::now());
        let waits = || self.workload.longest_pause_since(self.workload.mark());
        while self.workload.acknowledged() < before + 50 || waits() > Duration::from_millis(500) {
            assert!(began.elapsed() < within, "a client has waited {:?} after: {what}", waits());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    async fn nobody_is_held(&self, what: &str) {
        assert_eq!(traces::held(&self.ctl.rig).await, Vec::<String>::new(), "held after: {what}");
    }

    /// The last run ended like this, and the authority is on this side.
    fn ended(&self, outcome: &str, authority: &str) {
        let status = self.ctl.status();
        assert!(status["running"].is_null(), "no run is open: {}", status["running"]);
        assert_eq!(status["last_run"]["ended"]["outcome"], outcome, "{}", status["last_run"]);
        assert_eq!(status["authority"], authority);
    }

    /// Everything acknowledged is where the authority is, once.
    async fn nothing_is_lost(self, authority: fn(&Ctl) -> &Server) {
        let report = self.workload.stop().await;
        let check = ledger::check(&authority(&self.ctl).app_url(), &report.acknowledged).await.unwrap();
        println!("{} acknowledged writes, {} client errors", check.acknowledged, report.client_errors());
        assert!(check.acknowledged > 500, "a ledger of {} writes proves little", check.acknowledged);
        assert!(check.lost.is_empty(), "acknowledged and gone: {:?}", check.lost);
        assert!(check.duplicated.is_empty(), "there twice: {:?}", check.duplicated);
        assert!(check.altered.is_empty(), "another payload: {:?}", check.altered);
    }
}
