//! A reconciler: reads the same rows on both sides each second, and takes the times down. The latency gate judges.

use std::{sync::Arc, time::Duration};

use switchyard_model::state::State;
use tokio_util::sync::CancellationToken;

use super::{Live, errors, latencies::Kept, reconcilers::is_ending};
use crate::{error::Result, probes::Session, saga::Pair};

/// Longest that a round may take; then a side does not answer, and nothing is known.
const PATIENCE: Duration = Duration::from_secs(8);

/// How often it is looked whether the pair is there.
const CONNECTING: Duration = Duration::from_millis(100);

/// Probes until stopped, as soon as rows stream.
pub(super) async fn probe(live: Arc<Live>, stop: CancellationToken) {
    tokio::select! {
        () = rounds(live) => {}
        () = stop.cancelled() => {}
    }
}

async fn rounds(live: Arc<Live>) {
    let mut tick = tokio::time::interval(Duration::from_secs(1));
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut session = None;
    let mut kept = Kept::default();
    loop {
        tick.tick().await;
        let ready = live.book.look(is_streaming).await;
        let Some(pair) = live.pair().await.filter(|_| ready) else {
            session = None;
            // Whoever has just begun to drive is asked to go on within a second or two.
            tick.reset_after(CONNECTING);
            continue;
        };
        let (first, state) = (session.is_none(), live.book.state().await);
        // A side that does not answer leaves no figures; their age says so. Why is told by the look at the servers.
        session = match tokio::time::timeout(PATIENCE, round(&live, &pair, &state, session.take())).await {
            Ok(Ok(session)) => Some(session),
            Ok(Err(e)) => {
                tracing::debug!(error = %e, "reads could not be probed");
                None
            }
            Err(_) => None,
        };
        if session.is_some() {
            kept.keep(&live, &state);
        }
        if first && session.is_some() {
            // The gate counts these reads, and need not wait for the next look at the counters.
            errors::look(live.clone()).await;
        }
    }
}

async fn round(live: &Live, pair: &Pair, state: &State, session: Option<Session>) -> Result<Session> {
    let scope = state.scope.as_ref().map(|s| s.fence.as_slice()).unwrap_or_default();
    let mut session = match session {
        Some(session) => session,
        None => {
            let clock = live.parts.clock.clone();
            Session::open(&pair.source, &pair.target, state.authority, scope, clock).await?
        }
    };
    session.round(state.authority, scope, &live.probed, state.limits()).await?;
    Ok(session)
}

/// Whether both sides hold the rows.
pub(super) fn is_streaming(state: &State) -> bool {
    state.milestones.replicating.is_some() && !is_ending(state)
}
