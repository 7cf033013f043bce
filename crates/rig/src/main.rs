//! `switchyard-rig`: servers to try things on, from a terminal.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::{Parser, Subcommand};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use switchyard_rig::{Endpoints, Result, Rig, RigError, RigOptions, Schema};
use tokio::signal::unix::{SignalKind, signal};

/// Real servers on loopback: a source and a target PostgreSQL, PgBouncer and HAProxy.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start servers, and stay until Ctrl-C. How to reach them is written to DIR/rig.json.
    Up {
        /// The folder for the servers' files; it must not hold an earlier rig.
        #[arg(long)]
        dir: PathBuf,
        /// How many rows the source holds; 1 is about 300 000.
        #[arg(long, default_value_t = 1.0)]
        scale: f64,
        /// Print how to reach everything as one JSON object, passwords included.
        #[arg(long)]
        json: bool,
    },
    /// End the servers of a folder and remove their files.
    Down {
        /// The folder given to `up`.
        #[arg(long)]
        dir: PathBuf,
    },
}

#[tokio::main]
async fn main() -> std::process::ExitCode {
    let done = match Arguments::parse().command {
        Command::Up { dir, scale, json } => up(dir, scale, json).await,
        Command::Down { dir } => down(dir).await,
    };
    match done {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("switchyard-rig: {error}");
            std::process::ExitCode::from(2)
        }
    }
}

async fn up(dir: PathBuf, scale: f64, json: bool) -> Result<()> {
    let mut terminate = signal(SignalKind::terminate()).map_err(io("listening for SIGTERM"))?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(io("listening for Ctrl-C"))?;
    let schema = Some(Schema::Shop { scale });
    let rig = tokio::select! {
        rig = Rig::start(RigOptions { dir: Some(dir), schema, ..RigOptions::default() }) => rig?,
        _ = terminate.recv() => return Ok(()),
        _ = interrupt.recv() => return Ok(()),
    };
    let endpoints = Endpoints::of(&rig);
    if json {
        let text = serde_json::to_string(&endpoints)
            .map_err(|e| RigError::Io { doing: "printing the endpoints".into(), source: e.into() })?;
        println!("{text}");
    } else {
        println!("source  PostgreSQL {} on {}:{}", rig.source.version, rig.source.host, rig.source.port);
        println!("target  PostgreSQL {} on {}:{}", rig.target.version, rig.target.host, rig.target.port);
        println!("users and passwords are in {}", rig.dir().join("rig.json").display());
    }
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    rig.stop().await
}

async fn down(dir: PathBuf) -> Result<()> {
    let endpoints = Endpoints::read(&dir)?;
    // A number from a file may meanwhile belong to somebody else; only a rig of this name is ended.
    let name = std::fs::read_to_string(format!("/proc/{}/comm", endpoints.owner_pid)).unwrap_or_default();
    let owner = i32::try_from(endpoints.owner_pid).ok().and_then(Pid::from_raw);
    if let Some(owner) = owner.filter(|_| name.trim() == "switchyard-rig") {
        let _ = kill_process(owner, Signal::TERM);
        let begun = Instant::now();
        while test_kill_process(owner).is_ok() && begun.elapsed() < Duration::from_secs(30) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    endpoints.remove(&dir)
}

fn io(doing: &'static str) -> impl FnOnce(std::io::Error) -> RigError {
    move |source| RigError::Io { doing: doing.into(), source }
}
