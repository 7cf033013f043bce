//! `switchyardctl` as a script uses it, on real servers.

// Each test file uses its own part of it.
#![allow(dead_code)]

use std::{
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use switchyard_rig::{Rig, RigOptions, Server};

/// Name of the migration.
pub const MIGRATION: &str = "shop";

/// Servers, a store, and the passwords in libpq's own file.
pub struct Ctl {
    pub rig: Rig,
    home: tempfile::TempDir,
}

impl Ctl {
    /// Servers with a small shop, endpoints and a migration with demo limits.
    pub async fn start(options: RigOptions) -> Ctl {
        let rig = Rig::start(options).await.unwrap();
        let ctl = Ctl { rig, home: tempfile::tempdir().unwrap() };
        ctl.write_passwords();
        for (name, server) in [("a", &ctl.rig.source), ("b", &ctl.rig.target)] {
            let user = &server.logins.switchyard.user;
            let url = format!("postgres://{user}@{}:{}/{}", server.host, server.port, switchyard_rig::DATABASE);
            ctl.done(&["endpoint", "add", name, "--url", &url]);
        }
        ctl.create_migration();
        ctl
    }

    fn create_migration(&self) {
        let mut args: Vec<String> =
            ["migration", "create", MIGRATION, "--source", "a", "--target", "b", "--limits", "demo"]
                .map(str::to_owned)
                .to_vec();
        for p in &self.rig.poolers {
            args.extend(["--pgbouncer".to_owned(), format!("{}@{}:{}", p.admin_user, p.host, p.port)]);
        }
        if let Some(h) = &self.rig.haproxy {
            args.extend(["--haproxy".to_owned(), format!("{}:{}", h.admin_host, h.admin_port)]);
        }
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        self.done(&args);
    }

    fn write_passwords(&self) {
        let path = self.passfile();
        let mut file =
            std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path).unwrap();
        for Server { host, port, logins, .. } in [&self.rig.source, &self.rig.target] {
            writeln!(file, "{host}:{port}:*:{}:{}", logins.switchyard.user, logins.switchyard.password).unwrap();
        }
        for p in &self.rig.poolers {
            writeln!(file, "{}:{}:*:{}:{}", p.host, p.port, p.admin_user, p.admin_password).unwrap();
        }
    }

    /// The folder of the store and of everything else that the program writes.
    pub fn home(&self) -> &std::path::Path {
        self.home.path()
    }

    /// The file of the passwords; the one place on disk where they may be.
    pub fn passfile(&self) -> PathBuf {
        self.home.path().join("pgpass")
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_switchyardctl"));
        command
            .args(args)
            .arg("--json")
            .env("SWITCHYARD_STORE", self.home.path().join("store.db"))
            .env("PGPASSFILE", self.passfile())
            // No test writes into the keyring of whoever runs it.
            .env("SWITCHYARD_NO_KEYRING", "1")
            .env_remove("SWITCHYARD_CRASH")
            .stdin(Stdio::null());
        command
    }

    /// Runs it; whatever it answers.
    pub fn output(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// Runs it; it has to answer 0 with JSON.
    pub fn done(&self, args: &[&str]) -> Value {
        let out = self.output(args);
        let (stdout, stderr) = (String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
        assert!(out.status.success(), "{args:?} answered {:?}\n{stdout}\n{stderr}", out.status.code());
        serde_json::from_str(stdout.lines().last().unwrap_or("null")).unwrap()
    }

    /// Runs it with this on its standard input.
    pub fn output_with_input(&self, args: &[&str], input: &str) -> Output {
        let mut child =
            self.command(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    }

    /// Runs it and lets it crash at this point, as if the power had gone.
    pub fn crash(&self, args: &[&str], point: &str) -> Output {
        self.command(args).env("SWITCHYARD_CRASH", point).output().unwrap()
    }

    /// Starts it and lets it run.
    pub fn spawn(&self, args: &[&str]) -> Child {
        self.command(args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// The cockpit.
    pub fn status(&self) -> Value {
        let out = self.output(&["status", MIGRATION]);
        serde_json::from_slice(&out.stdout).unwrap()
    }

    /// Analysis to the first validation, then a ladder of one rung without waiting.
    pub fn walk_to_validated(&self) {
        for step in ["analyze", "prepare", "replicate", "validate"] {
            self.done(&["run", MIGRATION, step, "--wait", "60"]);
        }
        let mut limits = self.done(&["limits", MIGRATION]);
        limits["template"] = json!("test");
        limits["lag_hold_s"] = json!(0);
        limits["receive_only_s"] = json!(0);
        limits["ladder"] = json!([{ "percent": 100, "soak_s": 0 }]);
        let path = self.home.path().join("limits.json");
        std::fs::write(&path, limits.to_string()).unwrap();
        self.done(&["limits", MIGRATION, "--set", path.to_str().unwrap()]);
    }

    /// Waits until the lease is free, so that the next process drives itself.
    pub fn nobody_drives(&self, patience: Duration) {
        let began = Instant::now();
        while !self.status()["lease"]["holder"].is_null() {
            assert!(began.elapsed() < patience, "the lease is still held");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Waits until nothing runs any more. When nobody takes over by itself, a second process is started that does.
    pub fn recovered(&self, patience: Duration) -> Value {
        let began = Instant::now();
        let mut driver: Option<Child> = None;
        loop {
            let status = self.status();
            if status["running"].is_null() {
                if let Some(mut driver) = driver {
                    end(&mut driver);
                }
                return status;
            }
            if driver.is_none() && began.elapsed() > Duration::from_secs(2) && status["lease"]["holder"].is_null() {
                driver = Some(self.spawn(&["drive", MIGRATION]));
            }
            assert!(began.elapsed() < patience, "still running after {patience:?}: {}", status["running"]);
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

/// Ends a process in order.
fn end(child: &mut Child) {
    let _ = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    let _ = child.wait();
}
