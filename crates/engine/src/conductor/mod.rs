//! The conductor: the process that holds the lease of a migration drives it.
//!
//! Two models of work, never mixed. Commands are sagas, taken one at a time from the queue. Everything that measures is a
//! reconciler: periodic, idempotent, without input. A conductor that dies leaves a journal from which the next one
//! finishes or undoes; one that merely loses the lease stops at its next append.

mod application;
mod commands;
mod connect;
mod drift;
mod drills;
mod dual_write;
mod errors;
mod failing;
mod headroom;
mod held;
mod latencies;
mod live;
mod notices;
mod probes;
mod publish;
mod reconcilers;
mod recovery;
mod soak;
mod transactions;
mod verifier;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::broadcast;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    clock::SharedClock,
    error::{Error, Result},
    keychain::Keychain,
    saga::Book,
    store::{Lease, MigrationId, Store, TTL_MS},
    watchdog::Launcher,
};

pub use connect::{connect, password_of, routers_of};
pub use live::Live;
pub use transactions::YOUNGEST_MS;

/// Name of the operator's [`switchyard_model::reconcile::Pacing`] in the store.
pub const PACING: &str = "pacing";

/// Something a host may want to tell a person.
#[derive(Debug, Clone)]
pub enum Event {
    /// Something about this migration changed.
    Changed {
        /// Its name.
        migration: String,
    },
    /// This process no longer drives a migration; it tries again each second, and says so once.
    Stopped {
        /// Its name.
        migration: String,
        /// Why.
        error: Arc<Error>,
    },
    /// Worth a notification.
    Notice {
        /// Its name.
        migration: String,
        /// Short.
        title: String,
        /// One sentence.
        body: String,
        /// How it is meant.
        tone: Tone,
    },
}

/// How a notice is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// As it should be.
    Good,
    /// Worth a look.
    Warn,
    /// Wrong.
    Bad,
}

/// What a conductor is made of.
#[derive(Clone)]
pub struct Parts {
    /// The store.
    pub store: Store,
    /// Passwords.
    pub keychain: Arc<Keychain>,
    /// Time.
    pub clock: SharedClock,
    /// `user@host (pid)`: the holder's name in the lease and the journal.
    pub operator: String,
    /// Where events go.
    pub events: broadcast::Sender<Event>,
    /// How a hold's watchdog is started; None in programs that cannot become one.
    pub watchdog: Option<Arc<Launcher>>,
}

/// How often the lease is renewed, or asked for while another holds it.
const LEASE_BEAT: Duration = Duration::from_secs(1);

/// After how long without renewal a lease is nobody's, whatever the time of day in it says.
const LEASE_LIFE: Duration = Duration::from_millis(TTL_MS as u64 + 2_000);

/// Drives a migration until cancelled: waits for the lease, drives as long as it is held, waits again.
pub async fn drive(parts: Parts, migration: MigrationId, cancel: CancellationToken) {
    let mut others = Unrenewed::default();
    let mut told = false;
    while !cancel.is_cancelled() {
        match parts.store.take_lease(migration, &parts.operator, parts.clock.now()).await {
            Ok(Some((lease, from))) => {
                told = false;
                if let Err(e) = with_lease(&parts, migration, lease, from, &cancel).await {
                    tracing::error!(error = %e, remedy = e.remedy(), "this process stopped driving the migration");
                    stopped(&parts, migration, e).await;
                    told = true;
                }
            }
            Ok(None) => {
                if let Err(e) = others.look(&parts, migration).await {
                    tracing::warn!(error = %e, "another process's lease could not be looked at");
                }
            }
            Err(e) => {
                tracing::warn!(error = %e, "the lease could not be asked for");
                if !std::mem::replace(&mut told, true) {
                    stopped(&parts, migration, e).await;
                }
            }
        }
        tokio::select! {
            () = cancel.cancelled() => {}
            () = tokio::time::sleep(LEASE_BEAT) => {}
        }
    }
}

/// Tells hosts; the name is read again, for whoever reads this knows the migration by it.
async fn stopped(parts: &Parts, migration: MigrationId, error: Error) {
    let names = parts.store.migrations().await.unwrap_or_default();
    if let Some((_, name, _)) = names.into_iter().find(|(id, _, _)| *id == migration) {
        // Nobody listening is fine.
        let _ = parts.events.send(Event::Stopped { migration: name, error: Arc::new(error) });
    }
}

/// A lease of another process that nobody renews. Its end is a time of day, and a machine's clock may be set back: a dead
/// holder would then keep the migration until the old time comes again.
#[derive(Default)]
struct Unrenewed(Option<(Lease, Instant)>);

impl Unrenewed {
    /// Lets a lease lapse that has stayed as it is for longer than a lease lives, by a clock that does not jump.
    async fn look(&mut self, parts: &Parts, migration: MigrationId) -> Result<()> {
        let Some(lease) = parts.store.lease(migration).await? else { return Ok(()) };
        let now = parts.clock.instant();
        match &self.0 {
            Some((before, since)) if *before == lease => {
                if now.duration_since(*since) > LEASE_LIFE {
                    parts.store.drop_lease(migration, &lease).await?;
                    self.0 = None;
                }
            }
            Some(_) | None => self.0 = Some((lease, now)),
        }
        Ok(())
    }
}

async fn with_lease(
    parts: &Parts,
    migration: MigrationId,
    lease: Lease,
    from: Option<String>,
    cancel: &CancellationToken,
) -> Result<()> {
    let book =
        Book::open(parts.store.clone(), migration, parts.clock.clone(), parts.operator.clone(), Some(&lease)).await?;
    if let Some(from) = from {
        book.record(switchyard_model::journal::Entry::LeaseTaken { from }).await?;
    }
    let live = Arc::new(Live::new(parts.clone(), book).await);
    // Two tokens: being asked to end stops the queue after the command that runs, and only then the lease, the beats and
    // the rest that this command lives on. Losing the lease stops all of it.
    let serving = cancel.child_token();
    let stop = CancellationToken::new();
    let tasks = TaskTracker::new();
    tasks.spawn(keep_lease(parts.clone(), migration, lease.clone(), serving.clone(), stop.clone()));
    reconcilers::spawn(&tasks, &live, &stop);
    let result = commands::serve(&live, &serving).await;
    if result.is_ok() && !stop.is_cancelled() {
        // What was seen last is there for whoever looks next; a program that runs one command may live for less than a
        // second.
        let _ = tokio::time::timeout(LEASE_BEAT, publish::snapshot(live.clone())).await;
    }
    stop.cancel();
    tasks.close();
    // A reconciler that hangs on a dead server must not keep the lease from the next process.
    let _ = tokio::time::timeout(Duration::from_secs(3), tasks.wait()).await;
    live.close().await;
    // What ended the work says more than what may then keep the lease from being given back.
    let given_back = parts.store.drop_lease(migration, &lease).await;
    result.and(given_back)
}

/// Renews the lease each second; stops everything when it has moved on.
async fn keep_lease(
    parts: Parts,
    migration: MigrationId,
    lease: Lease,
    serving: CancellationToken,
    stop: CancellationToken,
) {
    let mut tick = tokio::time::interval(LEASE_BEAT);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = tick.tick() => {}
        }
        match parts.store.renew_lease(migration, &lease, parts.clock.now()).await {
            Ok(true) => {}
            Ok(false) => {
                tracing::error!("another process has taken the lease over");
                serving.cancel();
                stop.cancel();
                return;
            }
            // A store that cannot be written now may be writable again before the lease lapses.
            Err(e) => tracing::warn!(error = %e, "the lease could not be renewed"),
        }
    }
}
