//! The ways of the world that is tortured: commands, who drives, and where the journal stands.

use std::{
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    arena::Arena,
    ctl::{Frozen, MIGRATION},
    point::{Point, Way},
};

/// How often a step is asked for that a busy machine made too slow for its deadline, and that was undone in order.
const ATTEMPTS: usize = 5;

impl Arena {
    /// The newest line of the journal.
    pub fn newest(&self) -> i64 {
        self.ctl.done(&["journal", MIGRATION, "--limit", "1"])["newest"].as_i64().unwrap()
    }

    /// What was journaled after a line.
    pub fn journal_after(&self, seq: i64) -> Vec<Value> {
        let page = self.ctl.done(&["journal", MIGRATION, "--after", &seq.to_string(), "--limit", "1000"]);
        page["lines"].as_array().unwrap().clone()
    }

    /// A process that waits for the lease and then drives.
    pub fn drive(&self) -> Driver {
        Driver(self.ctl.spawn(&["drive", MIGRATION]))
    }

    /// One that is killed on its way, or finds the step done and needs not come there.
    pub async fn drive_until_killed(&self, point: &str, patience: Duration) -> Result<(), String> {
        let (mut driver, began) = (Driver(self.ctl.spawn_crashing(&["drive", MIGRATION], point)), Instant::now());
        while driver.0.try_wait().unwrap().is_none() {
            if self.ctl.status()["running"].is_null() {
                return Ok(());
            }
            if began.elapsed() > patience {
                return Err(format!("nobody took over before {point} within {patience:?}"));
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(())
    }

    fn switch() -> [&'static str; 5] {
        ["run", MIGRATION, "writes", "--wait", "60"]
    }

    /// Asks for a step, again where it was undone in order.
    fn gets_through(&self, args: &[&str]) -> Result<(), String> {
        let mut last = String::new();
        for _ in 0..ATTEMPTS {
            let out = self.ctl.output(args);
            if out.status.success() {
                return Ok(());
            }
            last = what_it_said(&out);
            if out.status.code() != Some(1) {
                break;
            }
        }
        Err(format!("{args:?} does not go through: {last}"))
    }

    /// Everything is at the source, reads too.
    pub fn go_home(&self) -> Result<(), String> {
        let status = self.ctl.status();
        if status["authority"] == "source" && status["reads_on_target"] == 0 {
            return Ok(());
        }
        self.gets_through(&["rollback", MIGRATION])
    }

    /// From home to where a run in this direction begins.
    pub fn stand_before(&self, way: Way) -> Result<(), String> {
        self.gets_through(&["run", MIGRATION, "reads", "100", "--wait", "60"])?;
        match way {
            Way::Forward => Ok(()),
            Way::Back => self.gets_through(&Self::switch()),
        }
    }

    /// A switch, or its way back, that stands still at a point.
    pub fn freeze_at(&self, point: Point) -> Result<Frozen, String> {
        let mut last = String::new();
        for _ in 0..ATTEMPTS {
            self.ctl.nobody_drives(Duration::from_secs(20));
            let stands = match point.way {
                Way::Forward => self.ctl.try_freeze(&Self::switch(), &point.word()),
                Way::Back => self.ctl.try_freeze(&["rollback", MIGRATION], &point.word()),
            };
            match stands {
                Ok(asleep) => return Ok(asleep),
                Err(out) if out.status.code() == Some(1) => last = what_it_said(&out),
                Err(out) => return Err(what_it_said(&out)),
            }
        }
        Err(format!("undone in order before it came there, {ATTEMPTS} times: {last}"))
    }

    /// Waits until no run is open; who drove may have died on the way.
    pub fn is_over(&self, driver: &mut Driver, patience: Duration) -> Result<Value, String> {
        let began = Instant::now();
        loop {
            let status = self.ctl.status();
            if status["running"].is_null() {
                return Ok(status);
            }
            if began.elapsed() > patience {
                return Err(format!("a run is still open after {patience:?}: {}", status["running"]));
            }
            if driver.0.try_wait().unwrap().is_some() {
                *driver = self.drive();
            }
            std::thread::sleep(Duration::from_millis(150));
        }
    }

    /// Both sides hold the same rows in every table, when they do not.
    pub fn rows_differ(&self) -> Option<String> {
        self.gets_through(&["run", MIGRATION, "validate", "--wait", "60"]).err()
    }
}

/// Another process that drives, ended in order when it is dropped.
pub struct Driver(Child);

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = Command::new("kill").args(["-INT", &self.0.id().to_string()]).stderr(Stdio::null()).status();
        let began = Instant::now();
        while matches!(self.0.try_wait(), Ok(None)) {
            if began.elapsed() > Duration::from_secs(20) {
                let _ = self.0.kill();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Its last words.
fn what_it_said(out: &Output) -> String {
    let said = String::from_utf8_lossy(&out.stderr);
    let lines: Vec<&str> = said.lines().collect();
    let answer = String::from_utf8_lossy(&out.stdout);
    let answer: Value = serde_json::from_str(answer.lines().last().unwrap_or("null")).unwrap_or_default();
    format!("{:?}: {} {}", out.status.code(), answer["result"], lines[lines.len().saturating_sub(3)..].join(" | "))
}
