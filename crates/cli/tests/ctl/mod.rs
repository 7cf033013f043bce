//! `switchyardctl` as a script uses it, on real servers.

// Each test file uses its own part of it.
#![allow(dead_code)]

pub mod disk;

use std::{
    io::Write,
    os::unix::{fs::OpenOptionsExt, process::ExitStatusExt},
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use sqlx::Connection as _;
use switchyard_rig::{Rig, RigOptions, Server};

/// Name of the migration.
pub const MIGRATION: &str = "shop";

/// Servers, a store, and the passwords in libpq's own file.
pub struct Ctl {
    pub rig: Rig,
    /// What `status` and the walks are about.
    pub migration: String,
    home: tempfile::TempDir,
    store: PathBuf,
}

impl Ctl {
    /// Servers with a small shop, endpoints and a migration with demo limits.
    pub async fn start(options: RigOptions) -> Ctl {
        let ctl = Ctl::over(Rig::start(options).await.unwrap());
        ctl.add_endpoint("a", &ctl.rig.source);
        ctl.add_endpoint("b", &ctl.rig.target);
        ctl.create_migration(MIGRATION, "a", "b");
        ctl
    }

    /// Over servers that run, with a store of its own and nothing in it.
    pub fn over(rig: Rig) -> Ctl {
        let home = tempfile::tempdir().unwrap();
        let ctl = Ctl { rig, migration: MIGRATION.to_owned(), store: home.path().join("store.db"), home };
        ctl.write_passwords();
        ctl
    }

    /// The same with another file as its store.
    pub fn with_store(mut self, store: PathBuf) -> Ctl {
        self.store = store;
        self
    }

    /// Adds a server of the rig under a name.
    pub fn add_endpoint(&self, name: &str, server: &Server) {
        let user = &server.logins.switchyard.user;
        let url = format!("postgres://{user}@{}:{}/{}", server.host, server.port, switchyard_rig::DATABASE);
        self.done(&["endpoint", "add", name, "--url", &url]);
    }

    /// Creates a migration behind the rig's routers, with demo limits.
    pub fn create_migration(&self, name: &str, source: &str, target: &str) {
        self.create_migration_with(name, source, target, &[]);
    }

    /// The same with more arguments.
    pub fn create_migration_with(&self, name: &str, source: &str, target: &str, more: &[&str]) {
        let mut args: Vec<String> =
            ["migration", "create", name, "--source", source, "--target", target, "--limits", "demo"]
                .map(str::to_owned)
                .to_vec();
        args.extend(more.iter().map(|a| (*a).to_owned()));
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

    /// Adds a line to the file of the passwords.
    pub fn know_password(&self, host: &str, port: u16, user: &str, password: &str) {
        let mut file = std::fs::OpenOptions::new().append(true).open(self.passfile()).unwrap();
        writeln!(file, "{host}:{port}:*:{user}:{password}").unwrap();
    }

    /// The store.
    pub fn store(&self) -> &std::path::Path {
        &self.store
    }

    /// The file of the passwords; the one place on disk where they may be.
    pub fn passfile(&self) -> PathBuf {
        self.home.path().join("pgpass")
    }

    /// Sets the clock of every process wrong by so many ms, from now on; of those alone that begin after the first time.
    pub fn set_clock_wrong(&self, ms: i64) {
        // Written aside and renamed, so that nobody reads half a number.
        let (new, file) = (self.home.path().join("clock.new"), self.clock_file());
        std::fs::write(&new, ms.to_string()).unwrap();
        std::fs::rename(new, file).unwrap();
    }

    fn clock_file(&self) -> PathBuf {
        self.home.path().join("clock")
    }

    fn command(&self, args: &[&str]) -> Command {
        self.command_by(Command::new(env!("CARGO_BIN_EXE_switchyardctl")), args)
    }

    /// The same behind another program's arguments.
    fn command_by(&self, mut command: Command, args: &[&str]) -> Command {
        command
            .args(args)
            .arg("--json")
            .env("SWITCHYARD_STORE", &self.store)
            .env("PGPASSFILE", self.passfile())
            .env("PATH", path())
            // No test writes into the keyring of whoever runs it.
            .env("SWITCHYARD_NO_KEYRING", "1")
            .env_remove("SWITCHYARD_CRASH")
            .env_remove("SWITCHYARD_FREEZE")
            .env_remove("SWITCHYARD_PASSWORD")
            .stdin(Stdio::null());
        let clock = self.clock_file();
        if clock.exists() {
            command.env("SWITCHYARD_CLOCK", clock);
        }
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

    /// Runs it with a log on a disk that is full.
    pub fn output_without_log(&self, args: &[&str]) -> Output {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        self.command(args).stderr(full).output().unwrap()
    }

    /// Runs it and lets it crash at this point, as if the power had gone.
    pub fn crash(&self, args: &[&str], point: &str) -> Output {
        self.command(args).env("SWITCHYARD_CRASH", point).output().unwrap()
    }

    /// Lets it crash at a point that it must come to. On a busy machine a switch may be undone, in order, before it gets there;
    /// then it is asked for again.
    pub fn crash_at(&self, args: &[&str], point: &str) {
        for _ in 0..5 {
            let out = self.crash(args, point);
            if out.status.signal().is_some() {
                return;
            }
            let said = String::from_utf8_lossy(&out.stderr).into_owned();
            assert_eq!(out.status.code(), Some(1), "neither crashed {point} nor undone in order: {said}");
            println!("undone before it could crash {point}: {}", said.lines().last().unwrap_or_default());
        }
        panic!("never got as far as {point}");
    }

    /// Runs it until it has stopped its own clock at this point, as a laptop that falls asleep does.
    pub fn freeze(&self, args: &[&str], point: &str) -> Frozen {
        self.try_freeze(args, point).unwrap_or_else(|out| {
            panic!("it ended before it came to {point}: {}", String::from_utf8_lossy(&out.stderr))
        })
    }

    /// The same, or what it said when it ended before it came there.
    pub fn try_freeze(&self, args: &[&str], point: &str) -> Result<Frozen, Output> {
        // A limit on file sizes, where a test sets one, is an error like a full disk and no signal that kills.
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_switchyardctl")]);
        let mut command = self.command_by(shell, args);
        command.env("SWITCHYARD_FREEZE", point).stdout(Stdio::piped()).stderr(Stdio::piped());
        let frozen = Frozen::wait(command.spawn().unwrap(), point)?;
        // Whoever stops in the middle of a write to the store has its one lock, and nobody else can write: what then happens is a
        // test of its own. A moment suffices to end that write.
        while !may_be_written(self.store()) {
            frozen.signal("-CONT");
            std::thread::sleep(Duration::from_millis(2));
            frozen.signal("-STOP");
        }
        Ok(frozen)
    }

    /// Starts it and lets it run.
    pub fn spawn(&self, args: &[&str]) -> Child {
        self.command(args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// Starts it and lets it run until it crashes at this point.
    pub fn spawn_crashing(&self, args: &[&str], point: &str) -> Child {
        let mut command = self.command(args);
        command.env("SWITCHYARD_CRASH", point).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// Starts it with its output to be read line by line.
    pub fn spawn_piped(&self, args: &[&str]) -> Child {
        self.command(args).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// Starts it with both its outputs to be read.
    pub fn spawned(&self, args: &[&str]) -> Child {
        self.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// The cockpit.
    pub fn status(&self) -> Value {
        let out = self.output(&["status", &self.migration]);
        serde_json::from_slice(&out.stdout).unwrap()
    }

    /// Analysis to the first validation, then a ladder of one rung without waiting.
    pub fn walk_to_validated(&self) {
        for step in ["analyze", "prepare", "replicate", "validate"] {
            self.done(&["run", &self.migration, step, "--wait", "60"]);
        }
        self.set_limits(&[
            ("lag_hold_s", json!(0)),
            ("latency_hold_s", json!(0)),
            ("receive_only_s", json!(0)),
            ("ladder", json!([{ "percent": 100, "soak_s": 0 }])),
        ]);
    }

    /// Replaces some of the limits.
    pub fn set_limits(&self, changes: &[(&str, Value)]) {
        let mut limits = self.done(&["limits", &self.migration]);
        limits["template"] = json!("test");
        for (name, value) in changes {
            limits[*name] = value.clone();
        }
        let path = self.home.path().join("limits.json");
        std::fs::write(&path, limits.to_string()).unwrap();
        self.done(&["limits", &self.migration, "--set", path.to_str().unwrap()]);
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
                driver = Some(self.spawn(&["drive", &self.migration]));
            }
            assert!(began.elapsed() < patience, "still running after {patience:?}: {}", status["running"]);
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

/// A `switchyardctl` whose clock stands still.
pub struct Frozen(Option<Child>);

impl Frozen {
    fn wait(mut child: Child, point: &str) -> Result<Frozen, Output> {
        let began = Instant::now();
        while state(child.id()) != Some('T') {
            if child.try_wait().unwrap().is_some() {
                return Err(child.wait_with_output().unwrap());
            }
            assert!(began.elapsed() < Duration::from_secs(60), "it never came to {point}");
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(Frozen(Some(child)))
    }

    /// Kills it where it stands.
    pub fn kill(&mut self) {
        let child = self.0.as_mut().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.0.as_ref().unwrap().id()
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        Command::new("kill").args([signal, &self.pid().to_string()]).status().unwrap();
    }

    /// Waits for its end.
    pub fn finish(mut self) -> Output {
        self.0.take().unwrap().wait_with_output().unwrap()
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        // A test that failed must not leave a process behind that never ends.
        if let Some(mut child) = self.0.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Whether nobody has the store's lock for writing just now.
fn may_be_written(store: &std::path::Path) -> bool {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(store).busy_timeout(Duration::ZERO);
    let asked = async {
        let mut connection = sqlx::SqliteConnection::connect_with(&options).await.unwrap();
        sqlx::raw_sql("BEGIN IMMEDIATE; ROLLBACK").execute(&mut connection).await.is_ok()
    };
    // Whoever calls may be within a runtime, which does not wait for another.
    std::thread::scope(|scope| {
        let asks = scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(asked)
        });
        asks.join().unwrap()
    })
}

/// The state letter of a process, from the kernel.
fn state(pid: u32) -> Option<char> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?.1.trim_start().chars().next()
}

/// Ends a process in order.
pub fn end(child: &mut Child) {
    let _ = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    let _ = child.wait();
}

/// With `pg_dump` 18 in it, where this machine has one; the product looks along the path.
pub fn path() -> std::ffi::OsString {
    let before = std::env::var_os("PATH").unwrap_or_default();
    let folders = switchyard_rig::Major::V18.client_bin().into_iter().chain(std::env::split_paths(&before));
    std::env::join_paths(folders).unwrap()
}
