//! The conductor: the process that holds the lease of a migration drives it.
//!
//! Two models of work, never mixed. Commands are sagas, taken one at a time from the queue. Everything that measures is a
//! reconciler: periodic, idempotent, without input. A conductor that dies leaves a journal from which the next one
//! finishes or undoes; one that merely loses the lease stops at its next append.

mod commands;
mod connect;
mod live;
mod notices;
mod publish;
mod reconcilers;
mod recovery;

use std::{sync::Arc, time::Duration};

use tokio::sync::broadcast;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    clock::SharedClock,
    error::Result,
    keychain::Keychain,
    saga::Book,
    store::{Lease, MigrationId, Store},
    watchdog::Launcher,
};

pub use connect::{connect, password_of};
pub use live::Live;

/// Something a host may want to tell a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Something about this migration changed.
    Changed {
        /// Its name.
        migration: String,
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

/// Drives a migration until cancelled: waits for the lease, drives as long as it is held, waits again.
pub async fn drive(parts: Parts, migration: MigrationId, cancel: CancellationToken) {
    while !cancel.is_cancelled() {
        match parts.store.take_lease(migration, &parts.operator, parts.clock.now()).await {
            Ok(Some((lease, from))) => {
                if let Err(e) = with_lease(&parts, migration, lease, from, &cancel).await {
                    tracing::error!(error = %e, remedy = e.remedy(), "this process stopped driving the migration");
                }
            }
            Ok(None) => {}
            Err(e) => tracing::warn!(error = %e, "the lease could not be asked for"),
        }
        tokio::select! {
            () = cancel.cancelled() => {}
            () = tokio::time::sleep(LEASE_BEAT) => {}
        }
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
    stop.cancel();
    tasks.close();
    // A reconciler that hangs on a dead server must not keep the lease from the next process.
    let _ = tokio::time::timeout(Duration::from_secs(3), tasks.wait()).await;
    live.close().await;
    parts.store.drop_lease(migration, &lease).await?;
    result
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
