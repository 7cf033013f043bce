//! Samples who uses a database for a while: look after look, over lost connections, until the time is up or somebody stops it.
//!
//! Owns when it is looked and what becomes of a look that fails. It never changes anything on the server, and a server that is
//! away for some time costs samples and not the result.

use std::time::Duration;

use switchyard_model::consumers::{Facts, Report, Sample, Sampling};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{
    Error, Kind, Result,
    db::{
        Database,
        consumers::{Depth, Looked, Watcher},
    },
};

/// How long a look that runs when it is stopped may go on.
const GRACE: Duration = Duration::from_secs(2);

/// For how long and how often.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rhythm {
    /// From the first look to the last.
    pub span: Duration,
    /// From look to look.
    pub every: Duration,
}

/// What there is to tell while it goes on.
#[derive(Debug, Clone, PartialEq)]
pub enum Progress {
    /// A look was made.
    Looked {
        /// How many so far.
        samples: u32,
        /// Consumers seen so far.
        consumers: usize,
        /// Connections of all databases now.
        connections: i64,
        /// How long it still goes on.
        left: Duration,
    },
    /// The connection was lost; it is tried again at each look that is due.
    Lost(String),
}

/// What it came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Watched {
    /// The figures.
    pub report: Report,
    /// The server, as it was seen last.
    pub facts: Facts,
    /// How often the connection was lost.
    pub lost: u32,
}

/// One sampling.
struct Watching<'a> {
    database: &'a Database,
    watcher: Option<Box<dyn Watcher>>,
    facts: Facts,
    /// Whether the last look was made.
    connected: bool,
    sampling: Sampling,
    began: Instant,
    /// The server's time of the last look.
    since: f64,
    lost: u32,
}

/// Samples until the time is up or `stop` is cancelled; then there is one last look.
///
/// # Errors
/// When the first look cannot be made.
pub async fn watch(
    database: &Database,
    rhythm: Rhythm,
    stop: &CancellationToken,
    mut tell: impl FnMut(Progress) + Send,
) -> Result<Watched> {
    let watcher = database.consumers.watcher().await?;
    let facts = watcher.facts().clone();
    let (began, sampling) = (Instant::now(), Sampling::default());
    let mut watching =
        Watching { database, watcher: Some(watcher), facts, connected: true, sampling, began, since: 0.0, lost: 0 };
    let ticks = (rhythm.span.as_secs_f64() / rhythm.every.as_secs_f64()).floor().clamp(1.0, 1e9) as u32;
    let mut tick = 0;
    loop {
        let stopped = stop.is_cancelled();
        if stopped && !watching.connected {
            break;
        }
        let last = tick >= ticks || stopped;
        let depth = if last { Depth::Full } else { Depth::WhenCheap };
        match watching.look(depth, stop).await {
            Ok(connections) => tell(Progress::Looked {
                samples: watching.sampling.samples(),
                consumers: watching.sampling.seen(),
                connections,
                left: rhythm.span.saturating_sub(began.elapsed()),
            }),
            Err(e) if watching.sampling.samples() == 0 => return Err(e),
            // The look with which somebody ends it was not due.
            Err(e) => watching.failed(&e, !stopped, &mut tell),
        }
        if last {
            break;
        }
        // A look that took longer than the time between two has cost those in between.
        let due = (began.elapsed().as_secs_f64() / rhythm.every.as_secs_f64()).floor().clamp(0.0, 1e9) as u32;
        let next = (due + 1).max(tick + 1).min(ticks);
        watching.sampling.missed(next.saturating_sub(tick + 1));
        tick = next;
        tokio::select! {
            () = tokio::time::sleep_until(began + rhythm.every * tick) => {}
            () = stop.cancelled() => {}
        }
    }
    Ok(watching.end())
}

impl Watching<'_> {
    /// One look, over a new connection where the old one was lost. Connections of the server.
    async fn look(&mut self, depth: Depth, stop: &CancellationToken) -> Result<i64> {
        let looked = tokio::select! {
            looked = self.look_once(depth) => looked?,
            () = given_up(stop) => {
                let why = "it was stopped while the server gave no answer";
                return Err(Error::new(Kind::Deadline, format!("looking at who uses {}", self.database.label), why));
            }
        };
        let Looked { look, tables, statements } = looked;
        self.since = look.counters.now;
        let connections = look.counters.connections;
        self.sampling.take(Sample { at_s: self.began.elapsed().as_secs_f64(), look, tables, statements });
        Ok(connections)
    }

    async fn look_once(&mut self, depth: Depth) -> Result<Looked> {
        // Taken out: a look that fails or is given up leaves a session that must not be used again.
        let mut watcher = match self.watcher.take() {
            Some(watcher) => watcher,
            None => self.database.consumers.watcher().await?,
        };
        let looked = watcher.look(self.since, depth).await?;
        self.facts = watcher.facts().clone();
        self.connected = true;
        self.watcher = Some(watcher);
        Ok(looked)
    }

    fn failed(&mut self, error: &Error, was_due: bool, tell: &mut (impl FnMut(Progress) + Send)) {
        if was_due {
            self.sampling.missed(1);
        }
        // Told once for each time that it was there before.
        if std::mem::replace(&mut self.connected, false) {
            self.lost += 1;
            tell(Progress::Lost(error.sentence()));
        }
    }

    fn end(self) -> Watched {
        let mut report = self.sampling.report(&self.facts);
        if !self.connected {
            report.notes.push("The server gave no answer at the end: what is now is of the last sample.".to_owned());
        }
        Watched { report, facts: self.facts, lost: self.lost }
    }
}

/// Some time after it was stopped.
async fn given_up(stop: &CancellationToken) {
    stop.cancelled().await;
    tokio::time::sleep(GRACE).await;
}
