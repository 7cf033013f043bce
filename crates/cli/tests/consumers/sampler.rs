//! A sampler that runs, with what it tells meanwhile.

use std::{
    io::{BufRead, BufReader},
    process::{Child, ChildStderr, Command, Output, Stdio},
};

use crate::ctl::Ctl;

/// `switchyardctl` as a person runs it: without `--json`.
fn command(ctl: &Ctl, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_switchyardctl"));
    command
        .args(args)
        .env("SWITCHYARD_STORE", ctl.store())
        .env("PGPASSFILE", ctl.passfile())
        .env("SWITCHYARD_NO_KEYRING", "1")
        .env_remove("SWITCHYARD_PASSWORD")
        .env_remove("SWITCHYARD_ENDPOINT")
        .stdin(Stdio::null());
    command
}

/// Runs it to its end.
pub fn output(ctl: &Ctl, args: &[&str]) -> Output {
    command(ctl, args).output().unwrap()
}

/// One that runs.
pub struct Sampler {
    child: Option<Child>,
    told: BufReader<ChildStderr>,
    heard: String,
}

impl Sampler {
    /// Starts it; its answer will be JSON.
    pub fn start(ctl: &Ctl, args: &[&str]) -> Sampler {
        let mut child = command(ctl, args).arg("--json").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let told = BufReader::new(child.stderr.take().unwrap());
        Sampler { child: Some(child), told, heard: String::new() }
    }

    /// Waits until it tells something with these words in it.
    pub fn until(&mut self, words: &str) {
        loop {
            let mut line = String::new();
            let read = self.told.read_line(&mut line).unwrap();
            self.heard.push_str(&line);
            assert!(read > 0, "it ended before it told “{words}”: {}", self.heard);
            if line.contains(words) {
                return;
            }
        }
    }

    /// Interrupts it as Ctrl-C does and waits for its end.
    pub fn interrupt(mut self) -> Output {
        let child = self.child.take().unwrap();
        Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
        let mut out = child.wait_with_output().unwrap();
        out.stderr = self.heard.clone().into_bytes();
        out
    }
}

impl Drop for Sampler {
    fn drop(&mut self) {
        // A test that failed must not leave a process behind.
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
