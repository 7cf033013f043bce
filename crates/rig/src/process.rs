//! One server process: started, frozen, killed, stopped, started again, and never leaked.

use std::fs::OpenOptions;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::account::Account;
use crate::error::{Result, RigError};
use crate::proc::{is_alive, send, send_all, stands_still, with_descendants};
use crate::ready::TICK;

/// Runs beside each server. When the rig's process dies, the pipe it reads closes, and it ends the server; so not even
/// SIGKILL of the rig leaves a server behind.
const GUARD: &str = r#"trap '' INT TERM HUP
read -r _
kill -s "$2" "$1"; kill -s CONT "$1"
i=0; while [ $i -lt 60 ] && kill -0 "$1"; do i=$((i+1)); sleep 0.1; done
kill -s KILL "$1""#;

/// How to run one server and how to end it.
#[derive(Debug)]
pub(crate) struct Recipe {
    pub(crate) name: String,
    pub(crate) program: PathBuf,
    pub(crate) args: Vec<String>,
    pub(crate) account: Account,
    pub(crate) log: PathBuf,
    /// Ends it in order, letting it finish what it does.
    pub(crate) stop: Signal,
    /// Ends it at once, but lets it clean up what outlives a process (PostgreSQL's shared memory).
    pub(crate) abort: Signal,
}

/// A server process with a recipe to start it again.
#[derive(Debug)]
pub struct Process {
    recipe: Recipe,
    running: Mutex<Option<Running>>,
}

#[derive(Debug)]
struct Running {
    child: Child,
    guard: Child,
}

impl Process {
    /// Starts a server.
    pub(crate) fn start(recipe: Recipe) -> Result<Self> {
        let process = Self { recipe, running: Mutex::new(None) };
        process.start_again()?;
        Ok(process)
    }

    /// Starts it once more after it was stopped or killed; does nothing while it runs.
    pub(crate) fn start_again(&self) -> Result<()> {
        let mut running = self.lock();
        if running.as_mut().is_some_and(Running::is_alive) {
            return Ok(());
        }
        if let Some(ended) = running.take() {
            ended.reap();
        }
        *running = Some(self.recipe.spawn()?);
        Ok(())
    }

    /// Its process id, while it runs.
    pub fn pid(&self) -> Option<u32> {
        let mut running = self.lock();
        running.as_mut().and_then(|r| r.is_alive().then(|| r.child.id()))
    }

    /// Whether it runs (a frozen one does).
    pub fn is_running(&self) -> bool {
        self.pid().is_some()
    }

    /// The file that holds what it printed.
    pub fn log(&self) -> &Path {
        &self.recipe.log
    }

    /// Stops the clock for it and its children (SIGSTOP): connections stay open and nothing answers. Returns once every
    /// thread stands still; the signal alone is only a request, and a thread on another core may answer meanwhile.
    pub fn freeze(&self) -> Result<()> {
        self.signal_tree(Signal::STOP)?;
        let begun = Instant::now();
        while !self.tree().into_iter().all(stands_still) {
            if begun.elapsed() > FREEZE_DEADLINE {
                let doing = format!("freezing {}", self.recipe.name);
                return Err(RigError::Io { doing, source: std::io::ErrorKind::TimedOut.into() });
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }

    /// Lets it go on (SIGCONT).
    pub fn thaw(&self) -> Result<()> {
        self.signal_tree(Signal::CONT)
    }

    /// Kills it and its children (SIGKILL) and waits until they are gone.
    pub async fn kill(&self) -> Result<()> {
        let tree = self.tree();
        send_all(&tree, Signal::KILL);
        // Children that outlive the parent for a moment still hold its shared memory and would refuse a restart.
        let name = &self.recipe.name;
        crate::ready::until(&format!("the end of {name}"), Duration::from_secs(10), self.log(), || {
            Ok(!self.is_running() && tree.iter().all(|pid| !is_alive(*pid)))
        })
        .await?;
        self.take_and_reap();
        Ok(())
    }

    /// Ends it in order and waits; after ten seconds it is killed.
    pub async fn stop(&self) -> Result<()> {
        let Some(pid) = self.pid() else { return Ok(()) };
        self.thaw()?;
        send(pid, self.recipe.stop);
        let begun = Instant::now();
        while self.is_running() {
            if begun.elapsed() > Duration::from_secs(10) {
                return self.kill().await;
            }
            tokio::time::sleep(TICK).await;
        }
        self.take_and_reap();
        Ok(())
    }

    fn signal_tree(&self, signal: Signal) -> Result<()> {
        let tree = self.tree();
        if tree.is_empty() {
            let doing = format!("signalling {}", self.recipe.name);
            return Err(RigError::Io { doing, source: std::io::ErrorKind::NotFound.into() });
        }
        send_all(&tree, signal);
        Ok(())
    }

    /// The process and its descendants. PostgreSQL's children lead sessions of their own, so a process group is no
    /// way to reach them.
    fn tree(&self) -> Vec<u32> {
        self.pid().map(with_descendants).unwrap_or_default()
    }

    fn take_and_reap(&self) {
        if let Some(ended) = self.lock().take() {
            ended.reap();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let Some(mut running) = self.lock().take() else { return };
        if running.is_alive() {
            let pid = running.child.id();
            send(pid, self.recipe.abort);
            send_all(&with_descendants(pid), Signal::CONT);
            let begun = Instant::now();
            while running.is_alive() && begun.elapsed() < Duration::from_secs(7) {
                std::thread::sleep(TICK);
            }
            if running.is_alive() {
                send_all(&with_descendants(pid), Signal::KILL);
            }
        }
        running.reap();
    }
}

impl Recipe {
    fn spawn(&self) -> Result<Running> {
        let doing = || RigError::io(format!("starting {}", self.name));
        let log = OpenOptions::new().create(true).append(true).open(&self.log).map_err(doing())?;
        let errors = log.try_clone().map_err(doing())?;
        let mut command = Command::new(&self.program);
        command.args(&self.args).current_dir("/").stdin(Stdio::null()).stdout(log).stderr(errors);
        // A group of its own: Ctrl-C in the terminal is for the rig, which then stops its servers in order.
        command.process_group(0);
        self.account.apply(&mut command);
        let mut child = command.spawn().map_err(doing())?;

        let mut guard = Command::new("/bin/sh");
        guard.args(["-c", GUARD, "guard"]).arg(child.id().to_string()).arg(signal_name(self.abort));
        guard.current_dir("/").stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
        self.account.apply(&mut guard);
        match guard.spawn() {
            Ok(guard) => Ok(Running { child, guard }),
            Err(error) => {
                send(child.id(), Signal::KILL);
                let _ = child.wait();
                Err(doing()(error))
            }
        }
    }
}

impl Running {
    fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    fn reap(mut self) {
        let _ = self.guard.kill();
        let _ = self.guard.wait();
        let _ = self.child.wait();
    }
}

/// How long the kernel may take to stop a process.
const FREEZE_DEADLINE: Duration = Duration::from_secs(5);

fn signal_name(signal: Signal) -> &'static str {
    match signal {
        Signal::QUIT => "QUIT",
        Signal::INT => "INT",
        Signal::TERM => "TERM",
        _ => "KILL",
    }
}
