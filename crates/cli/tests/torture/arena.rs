//! The world that is tortured: servers, poolers and HAProxy with a network between any two, a migration at its first
//! validation, and the ways to its next run.

use std::{
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, raw_sql};
use switchyard_rig::{DATABASE, HOST, Rig, Server};

use crate::{
    ctl::{
        Ctl, Frozen, MIGRATION,
        disk::{SmallDisk, allow_writes, refuse_writes},
    },
    fault::Party,
    links::Links,
    point::{Point, Way},
};

/// How long clients may be held.
pub const HOLD: Duration = Duration::from_millis(3_000);
/// On top of it, until the watchdog loses its patience.
const CANARY: Duration = Duration::from_millis(3_000);
/// How often a step is asked for that a busy machine made too slow for its deadline, and that was undone in order.
const ATTEMPTS: usize = 5;

pub struct Arena {
    pub ctl: Ctl,
    pub links: Links,
    disk: Option<SmallDisk>,
}

impl Arena {
    pub async fn open() -> Arena {
        let rig = Rig::start(Links::options()).await.unwrap();
        let links = Links::over(&rig).await;
        let disk = SmallDisk::mount(256);
        let mut ctl = Ctl::over(rig);
        if let Some(disk) = &disk {
            ctl = ctl.with_store(disk.path().join("store.db"));
        }
        ctl.set_clock_wrong(0);
        let arena = Arena { ctl, links, disk };
        arena.create_migration();
        arena.ctl.walk_to_validated();
        arena.ctl.set_limits(&[
            ("hold_deadline_ms", json!(HOLD.as_millis() as u64)),
            ("canary_max_age_ms", json!(CANARY.as_millis() as u64)),
            ("lock_timeout_ms", json!(1_000)),
        ]);
        arena.lead_streams_apart().await;
        // From here on one side always refuses, and what is checked is the same in every run.
        arena.stand_before(Way::Back).unwrap();
        arena.go_home().unwrap();
        arena
    }

    /// Endpoints and routers are where the networks begin that can be disturbed.
    fn create_migration(&self) {
        let (ctl, links) = (&self.ctl, &self.links);
        for (name, server, proxy) in [("a", &ctl.rig.source, &links.source), ("b", &ctl.rig.target, &links.target)] {
            let login = &server.logins.switchyard;
            ctl.know_password(HOST, proxy.port, &login.user, &login.password);
            let url = format!("postgres://{}@{HOST}:{}/{DATABASE}", login.user, proxy.port);
            ctl.done(&["endpoint", "add", name, "--url", &url]);
        }
        let mut args: Vec<String> =
            ["migration", "create", MIGRATION, "--source", "a", "--target", "b", "--limits", "demo"]
                .map(str::to_owned)
                .to_vec();
        for (pooler, proxy) in ctl.rig.poolers.iter().zip(&links.poolers) {
            ctl.know_password(HOST, proxy.port, &pooler.admin_user, &pooler.admin_password);
            args.extend(["--pgbouncer".to_owned(), format!("{}@{HOST}:{}", pooler.admin_user, proxy.port)]);
        }
        args.extend(["--haproxy".to_owned(), format!("{HOST}:{}", links.front.port)]);
        ctl.done(&args.iter().map(String::as_str).collect::<Vec<_>>());
    }

    /// The servers' streams get networks of their own, so that they and we are disturbed one at a time.
    async fn lead_streams_apart(&self) {
        let (rig, links) = (&self.ctl.rig, &self.links);
        for (server, ours, theirs) in
            [(&rig.target, &links.source, &links.from_source), (&rig.source, &links.target, &links.from_target)]
        {
            let mut connection = server.connect(DATABASE).await.unwrap();
            let found: Vec<(String, String)> = sqlx::query_as("SELECT subname, subconninfo FROM pg_subscription")
                .fetch_all(&mut connection)
                .await
                .unwrap();
            assert_eq!(found.len(), 1, "one stream enters each side");
            let (name, before) = &found[0];
            let after = before.replace(&format!("port={}", ours.port), &format!("port={}", theirs.port));
            assert_ne!(*before, after, "the stream goes where the endpoint says");
            let sql = format!("ALTER SUBSCRIPTION \"{name}\" CONNECTION '{}'", after.replace('\'', "''"));
            raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
        }
    }

    /// The side that has the authority, by its word.
    pub fn server(&self, authority: &str) -> &Server {
        if authority == "target" { &self.ctl.rig.target } else { &self.ctl.rig.source }
    }

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

    pub fn fill_disk(&self, asleep: &Frozen) {
        match &self.disk {
            Some(disk) => disk.fill(),
            None => assert!(refuse_writes(asleep), "prlimit works on a process of ours"),
        }
    }

    pub fn make_room(&self, pid: u32) {
        match &self.disk {
            Some(disk) => disk.make_room(),
            None => allow_writes(pid),
        }
    }

    pub async fn kill(&self, party: Party) {
        let rig = &self.ctl.rig;
        match party {
            Party::Source => rig.source.kill().await,
            Party::Target => rig.target.kill().await,
            Party::Pooler => rig.poolers[0].kill().await,
            Party::Front => rig.haproxy.as_ref().unwrap().kill().await,
        }
        .unwrap();
    }

    pub async fn restart(&self, party: Party) {
        let rig = &self.ctl.rig;
        match party {
            Party::Source => rig.source.restart().await,
            Party::Target => rig.target.restart().await,
            Party::Pooler => rig.poolers[0].restart().await,
            Party::Front => rig.haproxy.as_ref().unwrap().restart().await,
        }
        .unwrap();
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
