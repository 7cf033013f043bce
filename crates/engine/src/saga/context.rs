//! What a step may use.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use switchyard_model::{Side, drift::Both, journal::RunId, migration::MigrationSpec, state::State};

use tokio_util::sync::CancellationToken;

use super::Book;
use crate::{
    clock::SharedClock,
    db::{Database, RaisedFence},
    error::{Error, Kind, Result},
    facts::CopyFact,
    heartbeat::Beats,
    replicate::Replicator,
    route::group::Routers,
    secret::Secret,
    tool::{Login, SchemaDump, Tools},
    watchdog::{Launcher, Watchdog},
};

/// After how long a beat that does not show is written again.
const WRITE_AGAIN: Duration = Duration::from_millis(50);

/// Both databases, what carries changes between them and what routes traffic to them.
#[derive(Clone)]
pub struct Pair {
    /// The source.
    pub source: Database,
    /// The target.
    pub target: Database,
    /// Logins of both, for tools.
    pub source_login: Arc<Login>,
    /// See `source_login`.
    pub target_login: Arc<Login>,
    /// The two streams.
    pub replicator: Arc<dyn Replicator>,
    /// The routers.
    pub routers: Routers,
    /// What opens all of these, by name; for the watchdog's pipe and nothing else.
    pub secrets: Vec<(String, Secret)>,
}

impl Pair {
    /// One side's database.
    pub fn db(&self, side: Side) -> &Database {
        match side {
            Side::Source => &self.source,
            Side::Target => &self.target,
        }
    }

    /// What the tables of both sides look like to a stream.
    ///
    /// # Errors
    /// When a side does not answer.
    pub async fn shapes(&self) -> Result<Both> {
        let (source, target) = tokio::try_join!(self.source.catalog.shapes(), self.target.catalog.shapes())?;
        Ok(Both { source, target })
    }
}

/// Progress of the step that runs, shown on the screen: one line, and the figures of the initial copy.
#[derive(Clone, Default)]
pub struct Progress(Arc<Mutex<Shown>>);

#[derive(Default)]
struct Shown {
    line: Option<String>,
    copy: Option<CopyFact>,
}

impl Progress {
    fn shown(&self) -> std::sync::MutexGuard<'_, Shown> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Replaces the line.
    pub fn say(&self, line: impl Into<String>) {
        self.shown().line = Some(line.into());
    }

    /// Takes the line away.
    pub fn clear(&self) {
        self.shown().line = None;
    }

    /// The line now.
    pub fn line(&self) -> Option<String> {
        self.shown().line.clone()
    }

    /// Replaces the figures of the copy; they stay when it is over.
    pub fn copy(&self, fact: CopyFact) {
        self.shown().copy = Some(fact);
    }

    /// The figures of the copy.
    pub fn copied(&self) -> Option<CopyFact> {
        self.shown().copy.clone()
    }
}

/// What lives only during a write switch and dies with the process: the fence's open transaction.
#[derive(Default)]
pub struct SwitchSession {
    /// The open fence.
    pub raised: Option<Box<dyn RaisedFence>>,
    /// Who takes over when this process dies while clients are held.
    pub watchdog: Option<Watchdog>,
}

/// What a step may use. Cheap to clone.
#[derive(Clone)]
pub struct Cx {
    /// The pair.
    pub pair: Pair,
    /// The journal.
    pub book: Arc<Book>,
    /// The state at the start of the run; steps that need what earlier steps recorded ask the book.
    pub state: Arc<State>,
    /// The run; 0 in a preview.
    pub run: RunId,
    /// The beats.
    pub beats: Arc<Beats>,
    /// Wall and monotonic time.
    pub clock: SharedClock,
    /// The line of progress.
    pub progress: Progress,
    /// The switch's session.
    pub session: Arc<tokio::sync::Mutex<SwitchSession>>,
    /// How a watchdog is started; None where this program cannot become one.
    pub launcher: Option<Arc<Launcher>>,
    /// Asks for an end before the point of no return; what was done is taken back.
    pub recall: CancellationToken,
    /// The source's schema, dumped when a step first asks for it.
    pub dump: Arc<tokio::sync::OnceCell<SchemaDump>>,
}

impl Cx {
    /// The migration as decided.
    pub fn spec(&self) -> &MigrationSpec {
        &self.state.spec
    }

    /// The source's schema; dumped once per run.
    ///
    /// # Errors
    /// As [`SchemaDump::take`].
    pub async fn schema_dump(&self) -> Result<&SchemaDump> {
        self.dump
            .get_or_try_init(|| async {
                SchemaDump::take(&Tools::default(), &self.pair.source_login, &std::env::temp_dir()).await
            })
            .await
    }

    /// The tables of the migration.
    ///
    /// # Errors
    /// `Refused` before replication was set up.
    pub async fn scope(&self) -> Result<switchyard_model::journal::Scope> {
        self.book.state().await.scope.ok_or_else(|| {
            Error::new(Kind::Refused, "reading the scope", "replication has not been set up, so no tables are in scope")
        })
    }

    /// The epoch that the switch of this run makes; it is the present one once the point of no return is journaled.
    pub fn new_epoch(&self) -> i64 {
        match &self.state.open_run {
            Some(run) if run.past_no_return => self.state.epoch,
            Some(_) | None => self.state.epoch + 1,
        }
    }

    /// Writes a beat on a side and returns once the other side shows it, or a later one: what was committed on `from`
    /// before this call has arrived then, since changes are applied in commit order. Returns the beat's number.
    ///
    /// The beat is written again while it does not show. The reconciler writes beats too, and of two that are written at
    /// once the one with the lower number may land last; nobody would ever see the higher one.
    ///
    /// # Errors
    /// When a side does not answer. It waits without end otherwise; the caller's deadline counts.
    pub async fn beat_arrives(&self, from: Side, look: Duration) -> Result<i64> {
        let first = self.beats.next();
        let mut next = first;
        let (here, there) = (&self.pair.db(from).heartbeat, &self.pair.db(from.other()).heartbeat);
        loop {
            here.beat(from, next).await?;
            let written = self.clock.instant();
            while self.clock.instant().duration_since(written) < WRITE_AGAIN {
                // Numbers from `first` on were handed out after this call began, so any of them proves the same.
                if there.seen(from).await?.is_some_and(|seen| seen >= first) {
                    return Ok(first);
                }
                tokio::time::sleep(look).await;
            }
            next = self.beats.next();
        }
    }

    /// Milliseconds since an instant.
    pub fn ms_since(&self, start: Instant) -> f64 {
        self.clock.instant().duration_since(start).as_secs_f64() * 1000.0
    }
}
