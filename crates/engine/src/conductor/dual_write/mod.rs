//! A reconciler: turns synchronous dual write on and off as the journal asks, and attends it while it stands.
//!
//! The server waits for a target without end, so this must never leave it on unattended. Whatever ends this process's attention takes it
//! off: a request, the breaker, an orderly end; and whoever drives and finds it on that it did not turn on itself takes it off before
//! anything else. The watchdog sees to it that somebody does when this process dies.

mod attend;
mod free;
mod probing;
mod turn_on;

use std::{sync::Arc, time::Duration};

use switchyard_model::{
    Side,
    dual_write::{Cause, DualWriteEvent, DualWriteRecord, End},
    journal::Entry,
};
use tokio_util::sync::CancellationToken;

use super::{Event, Live, Tone, connect::password_of};
use crate::{
    db::{Database, connect},
    error::{Error, Kind, Result},
    store::Changes,
};

/// How often it is looked whether something is asked for.
const LOOK: Duration = Duration::from_millis(200);

/// Connections for looks beside the line and the prober.
const POOL: u32 = 2;

/// Looks until stopped.
pub(super) async fn keep(live: Arc<Live>, stop: CancellationToken) {
    let mut tick = tokio::time::interval(LOOK);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut changes = live.parts.store.changes();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = tick.tick() => {}
        }
        heard(&live, &mut changes).await;
        let Some(open) = live.book.look(|s| s.open_dual_write().cloned()).await else { continue };
        let done = match open.began {
            // What this process turns on it also takes off, within this call.
            None => turn_on::turn_on(&live, &open, &stop).await,
            Some(_) => free::abandoned(&live, &open, &stop).await,
        };
        if let Err(e) = done {
            tracing::warn!(error = %e, "synchronous dual write could not be turned on or off as the journal asks");
        }
    }
}

/// Takes in what somebody asked for, as soon as it is there. A store that cannot be read is told elsewhere.
async fn heard(live: &Live, changes: &mut Changes) {
    if changes.any()
        && let Err(e) = live.book.catch_up().await
    {
        tracing::debug!(error = %e, "whether something was asked for could not be read");
    }
}

/// The source alone: what frees it must not depend on whether the target answers.
async fn source(live: &Live) -> Result<Database> {
    let spec = live.book.state().await.spec;
    let endpoint = live.parts.store.endpoint(&spec.source).await?;
    let Some(password) = password_of(&endpoint, &live.parts.keychain).await? else {
        let why = format!("no password is known for {}", endpoint.name);
        return Err(Error::new(Kind::PasswordNeeded, "connecting to the source", why));
    };
    connect::connect(Side::Source, connect::Login { endpoint: &endpoint, password: Some(&password) }, POOL).await
}

/// Journals the end and tells people.
async fn ended(live: &Live, open: &DualWriteRecord, end: End) -> Result<()> {
    let (tone, title) = match end.cause {
        Cause::Operator => (Tone::Good, "Synchronous dual write is off".to_owned()),
        Cause::Refused => (Tone::Warn, "Synchronous dual write: refused".to_owned()),
        cause => (Tone::Bad, format!("Synchronous dual write fell back: {}", cause.title())),
    };
    let body = end.why.clone();
    record(live, DualWriteEvent::Ended { dual: open.id, end }).await?;
    live.snapshot().dual_write = None;
    let migration = live.book.look(|s| s.spec.name.clone()).await;
    live.tell(Event::Changed { migration: migration.clone() });
    live.tell(Event::Notice { migration, title, body, tone });
    Ok(())
}

async fn record(live: &Live, event: DualWriteEvent) -> Result<i64> {
    live.book.record(Entry::DualWrite { event }).await
}
