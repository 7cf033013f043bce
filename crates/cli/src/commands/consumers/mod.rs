//! `switchyardctl schema consumers`: who really uses a database.

pub(super) mod table;
mod text;

use std::{
    io::{IsTerminal, Write},
    time::Duration,
};

use switchyard_api::{
    dto::ApiError,
    schema::consumers::{ConsumersRequest, Progress, Stop},
    verify::End,
};
use tokio::signal::unix::{SignalKind, signal};

use super::{Ctl, verify::warn_of_password};
use crate::{
    args::ConsumersArgs,
    output::{self, Answer},
};

pub async fn run(ctl: &Ctl, args: ConsumersArgs) -> Result<Answer, ApiError> {
    let endpoint = end(ctl, args.migration, args.endpoint).await?;
    let request = ConsumersRequest {
        endpoint,
        span: Duration::from_secs(args.span),
        every: Duration::try_from_secs_f64(args.every).map_err(|_| {
            let why = format!("--every {} is not a time that can be waited for.", args.every);
            ApiError::new("invalid", why, "Give seconds, for example --every 1 or --every 0.5.")
        })?,
    };
    let stop = Stop::default();
    let terminal = std::io::stderr().is_terminal();
    let mut teller = Teller { terminal, connected: true, told: None };
    let sampled = tokio::select! {
        sampled = ctl.api.consumers(request, &stop, |progress| teller.tell(&progress)) => sampled?,
        never = interrupted(&stop) => return Err(never),
    };
    if terminal {
        rewrite("");
    }
    if ctl.json {
        output::json(&sampled);
    } else {
        say!("{}", text::render(&sampled).trim_end());
    }
    Ok(Answer::Yes)
}

async fn end(ctl: &Ctl, migration: Option<String>, endpoint: Option<String>) -> Result<End, ApiError> {
    match (migration, endpoint) {
        (Some(name), _) => ctl.api.source_of(&name).await,
        (None, Some(reference)) => {
            warn_of_password(&reference);
            Ok(End { reference, password: std::env::var("SWITCHYARD_PASSWORD").ok() })
        }
        (None, None) => Err(ApiError::new(
            "invalid",
            "Consumers are those of a database, and none was named.",
            "Give --endpoint, or --migration NAME for its source.",
        )),
    }
}

/// Stops the sampling when somebody interrupts it; returns only when signals cannot be heard.
async fn interrupted(stop: &Stop) -> ApiError {
    let heard = async {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        stop.now();
        std::future::pending::<std::io::Result<()>>().await
    };
    let why = heard.await.err().map_or_else(String::new, |e| format!(": {e}"));
    ApiError::new("failed", format!("Signals cannot be heard{why}."), "Start it again.")
}

/// Progress on stderr: one line that is rewritten on a terminal; elsewhere the first look, and one every ten seconds.
struct Teller {
    terminal: bool,
    connected: bool,
    told: Option<std::time::Instant>,
}

impl Teller {
    fn tell(&mut self, progress: &Progress) {
        match progress {
            Progress::Lost(why) => {
                self.connected = false;
                tell!("{}{why} It is tried again.", if self.terminal { "\r" } else { "" });
            }
            Progress::Looked { samples, consumers, connections, left } => {
                if !std::mem::replace(&mut self.connected, true) {
                    tell!("Connected again.");
                }
                let line = format!(
                    "sample {samples}; consumers so far: {consumers}; connections on the server now: {connections}; {} s to go, \
                     Ctrl-C ends it early",
                    left.as_secs()
                );
                if self.terminal {
                    rewrite(&line);
                } else if self.told.is_none_or(|at| at.elapsed() >= Duration::from_secs(10)) {
                    self.told = Some(std::time::Instant::now());
                    tell!("{line}");
                }
            }
        }
    }
}

/// Writes over the terminal's present line.
fn rewrite(line: &str) {
    let mut to = std::io::stderr();
    // Nobody is left to be told when it does not arrive.
    let _ = write!(to, "\r{line}\x1b[K").and_then(|()| to.flush());
}
