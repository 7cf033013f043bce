//! The reconcilers: each looks at one thing, again and again, and writes down what it saw.

use std::{
    sync::{Arc, PoisonError},
    time::Duration,
};

use switchyard_model::{
    Command, Side, UnixMs,
    lag::LagSample,
    state::{Run, State},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    Event, Live, application, connect, drift, drills, dual_write, errors, failing, headroom, held, notices, probes,
    publish, soak, transactions, verifier,
};
use crate::{
    error::{Error, Kind},
    facts::{RouterFact, SideFact, SlotFact},
    heartbeat::{self, Beating},
    replicate::StreamStatus,
    route::{RouterState, group::Observed},
    saga::Pair,
    store::Series,
};

/// For how long after a run that held clients a command of its own may still arrive at a router, ms.
const LATE_MS: i64 = 60_000;

/// Starts all of them.
pub(super) fn spawn(tasks: &TaskTracker, live: &Arc<Live>, stop: &CancellationToken) {
    every(tasks, live, stop, Duration::from_secs(2), pair);
    every(tasks, live, stop, Duration::from_secs(2), routers);
    every(tasks, live, stop, Duration::from_secs(3), servers);
    every(tasks, live, stop, Duration::from_secs(2), slots);
    every(tasks, live, stop, Duration::from_secs(5), drift::look);
    every(tasks, live, stop, Duration::from_secs(2), held::look);
    every(tasks, live, stop, Duration::from_millis(500), drills::look);
    every(tasks, live, stop, Duration::from_secs(5), failing::look);
    every(tasks, live, stop, Duration::from_secs(2), errors::look);
    every(tasks, live, stop, Duration::from_secs(2), headroom::look);
    every(tasks, live, stop, Duration::from_secs(2), transactions::look);
    every(tasks, live, stop, Duration::from_secs(1), publish::snapshot);
    every(tasks, live, stop, Duration::from_secs(3600), publish::prune);
    tasks.spawn(notices::watch(live.clone(), stop.clone()));
    tasks.spawn(probes::probe(live.clone(), stop.clone()));
    tasks.spawn(application::watch(live.clone(), stop.clone()));
    tasks.spawn(soak::watch(live.clone(), stop.clone()));
    tasks.spawn(verify(live.clone(), stop.clone()));
    tasks.spawn(dual_write::keep(live.clone(), stop.clone()));
    for from in [Side::Source, Side::Target] {
        tasks.spawn(beat(live.clone(), from, stop.clone()));
    }
}

/// Runs one look periodically. A look that takes longer than its period delays the next one; looks never overlap.
fn every<F, Fut>(tasks: &TaskTracker, live: &Arc<Live>, stop: &CancellationToken, period: Duration, look: F)
where
    F: Fn(Arc<Live>) -> Fut + Send + 'static,
    Fut: Future<Output = ()> + Send,
{
    let (live, stop) = (live.clone(), stop.clone());
    tasks.spawn(async move {
        let mut tick = tokio::time::interval(period);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = tick.tick() => {}
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = look(live.clone()) => {}
            }
        }
    });
}

/// Connects the pair while it is not.
async fn pair(live: Arc<Live>) {
    if live.pair().await.is_some() {
        return;
    }
    let spec = live.book.state().await.spec;
    match connect::connect(&spec, &live.parts.store, &live.parts.keychain).await {
        Ok(pair) => {
            live.set_pair(Some(pair)).await;
            live.snapshot().passwords_needed.clear();
            servers(live.clone()).await;
            routers(live.clone()).await;
            drift::look(live.clone()).await;
            held::look(live.clone()).await;
            failing::look(live.clone()).await;
            errors::look(live.clone()).await;
            headroom::look(live.clone()).await;
            transactions::look(live.clone()).await;
            live.tell(Event::Changed { migration: spec.name });
        }
        Err(not) => {
            let mut snapshot = live.snapshot();
            snapshot.passwords_needed = not.passwords_needed;
            match not.side {
                Some(Side::Source) => snapshot.source.has_trouble(&spec.source, &not.error),
                Some(Side::Target) => snapshot.target.has_trouble(&spec.target, &not.error),
                None => {
                    snapshot.source.has_trouble(&spec.source, &not.error);
                    snapshot.target.has_trouble(&spec.target, &not.error);
                }
            }
        }
    }
}

/// Asks both servers about themselves.
async fn servers(live: Arc<Live>) {
    let Some(pair) = live.pair().await else { return };
    for side in [Side::Source, Side::Target] {
        let answer = tokio::time::timeout(Duration::from_secs(5), pair.db(side).catalog.server()).await;
        let label = &pair.db(side).label;
        let mut snapshot = live.snapshot();
        let fact = match side {
            Side::Source => &mut snapshot.source,
            Side::Target => &mut snapshot.target,
        };
        match answer {
            Ok(Ok(server)) => {
                *fact = SideFact {
                    version: Some(format!("PostgreSQL {}", server.version)),
                    answered_at: Some(live.parts.clock.now()),
                    problem: None,
                    connections: server.connections,
                    max_connections: server.max_connections,
                };
            }
            Ok(Err(e)) => fact.has_trouble(label, &e),
            Err(_) => {
                let doing = format!("asking {label} about itself");
                fact.has_trouble(label, &Error::new(Kind::Deadline, doing, "no answer within 5 s"));
            }
        }
    }
}

/// Asks the routers for the route.
pub(super) async fn routers(live: Arc<Live>) {
    let Some(pair) = live.pair().await else { return };
    // They are asked after a run too, and an earlier question must not be answered after a later one.
    let _alone = live.asks_routers.lock().await;
    // As old as the question: a change while they answer is not in what they say.
    let now = live.parts.clock.now();
    let observed = pair.routers.observe_all().await;
    let before = live.snapshot().routers.clone();
    let facts = observed.iter().map(|o| router_fact(o, &before, now)).collect();
    mend_what_came_late(&live, &pair, &observed).await;
    let mut snapshot = live.snapshot();
    snapshot.facts.route = Some(crate::route::group::merge(&observed, now));
    snapshot.routers = facts;
}

/// What one router said; one that said nothing keeps the time of its last word.
fn router_fact(o: &Observed, before: &[RouterFact], now: UnixMs) -> RouterFact {
    let (clients, trouble, at, sentry) = match &o.state {
        Ok(s) => (s.clients, s.warning.clone(), Some(now), s.sentry),
        Err(e) => (None, Some(e.to_string()), before.iter().find(|b| b.label == o.label).and_then(|b| b.at), None),
    };
    RouterFact { label: o.label.clone(), clients, trouble, at, holds: o.can.hold, sentry }
}

/// A PAUSE of ours that was given up can still arrive after our RESUME, and where we point writes after a later switch. Within a
/// minute of a run that held clients they are ours to mend; an older one may be an operator's own, and is only shown.
async fn mend_what_came_late(live: &Live, pair: &Pair, observed: &[Observed]) {
    let state = live.book.state().await;
    let lately = state.clients_held_until.is_some_and(|at| live.parts.clock.now() - at < LATE_MS);
    let meanwhile = state.open_run.as_ref().is_none_or(|run| !run.command.holds_clients());
    if !lately || !meanwhile {
        return;
    }
    let said = |say: fn(&RouterState) -> bool| observed.iter().any(|o| o.state.as_ref().is_ok_and(say));
    if said(|s| s.holding == Some(true)) {
        tracing::warn!("a router still held clients after the run; they are let go");
        if let Err(e) = pair.routers.release_all().await {
            tracing::error!(error = %e, "clients are still held");
        }
    }
    // The other side refuses whatever arrives there, so nothing is lost, and nobody is served either.
    let astray = match state.authority {
        Side::Source => said(|s| s.writes == Some(Side::Target)),
        Side::Target => said(|s| s.writes == Some(Side::Source)),
    };
    if astray {
        tracing::warn!(authority = %state.authority, "a router sent writes to the side that gave the authority up; they are led back");
        if let Err(e) = pair.routers.point_writes(state.authority).await {
            tracing::error!(error = %e, "writes still go to the wrong side");
        }
    }
}

/// Reads the slots of both streams and their pace.
async fn slots(live: Arc<Live>) {
    let state = live.book.state().await;
    let Some(pair) = live.pair().await.filter(|_| state.milestones.prepared.is_some()) else { return };
    let now = live.parts.clock.now();
    let before = live.snapshot().slots.clone();
    let mut slots = Vec::new();
    for from in [Side::Source, Side::Target] {
        let name = state.spec.slot(from);
        let old = before.iter().find(|s| s.name == name && s.on == from);
        let Ok(Ok(status)) = tokio::time::timeout(Duration::from_secs(5), pair.replicator.status(from)).await else {
            // What was read last stays, with its age: no answer is not an answer that the slot is gone.
            slots.extend(old.cloned());
            continue;
        };
        if !status.slot_exists {
            continue;
        }
        slots.push(SlotFact {
            on: from,
            active: status.slot_active,
            lag_bytes: status.lag_bytes,
            retained_bytes: status.retained_bytes,
            limit_bytes: Some(status.keep_limit_bytes).filter(|bytes| *bytes >= 0),
            seconds_to_limit: old.and_then(|o| seconds_to_limit(&status, o, now)),
            at: now,
            name,
        });
    }
    live.snapshot().slots = slots;
}

/// Seconds until the server drops WAL that the slot needs, at the pace at which it grows; None while it does not grow.
fn seconds_to_limit(status: &StreamStatus, old: &SlotFact, now: i64) -> Option<i64> {
    let grown = status.retained_bytes - old.retained_bytes;
    let elapsed_ms = now - old.at;
    if status.keep_limit_bytes < 0 || grown <= 0 || elapsed_ms <= 0 {
        return None;
    }
    let left = (status.keep_limit_bytes - status.retained_bytes).max(0);
    Some(left * elapsed_ms / grown / 1000)
}

/// The verifier, until stopped; dropped with its sessions then, so that nothing of it outlives the lease.
async fn verify(live: Arc<Live>, stop: CancellationToken) {
    tokio::select! {
        () = verifier::verify(live, stop.clone()) => {}
        () = stop.cancelled() => {}
    }
}

/// Beats on one side, as soon as the beats' tables are there.
async fn beat(live: Arc<Live>, from: Side, stop: CancellationToken) {
    loop {
        let state = live.book.state().await;
        let ready = state.milestones.prepared.is_some() && !is_ending(&state);
        match live.pair().await.filter(|_| ready) {
            Some(pair) => {
                let one = stop.child_token();
                let beating = Beating { from, here: pair.db(from).clone(), there: pair.db(from.other()).clone() };
                tokio::select! {
                    () = beat_while(&live, beating, one.clone()) => {}
                    () = over(&live, &one) => {}
                }
            }
            None => {
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = tokio::time::sleep(Duration::from_millis(500)) => {}
                }
            }
        }
        if stop.is_cancelled() {
            return;
        }
    }
}

async fn beat_while(live: &Arc<Live>, beating: Beating, stop: CancellationToken) {
    let from = beating.from;
    if let Ok(Some(n)) = beating.here.heartbeat.seen(from).await {
        live.beats.seen(n);
    }
    let limits = live.clone();
    let samples = live.clone();
    heartbeat::run(
        beating,
        live.beats.clone(),
        live.meter(from).clone(),
        live.latency_on(from).clone(),
        live.parts.clock.clone(),
        move || f64::from(limits.limit_ms()),
        move |sample, commit_ms| record(&samples, from, sample, commit_ms),
        stop,
    )
    .await;
}

/// Whether Cleanup has begun, or is done.
pub(super) fn is_ending(state: &State) -> bool {
    let cleanup = |r: &Run| matches!(r.command, Command::Cleanup { .. });
    state.milestones.cleaned.is_some() || state.open_run.as_ref().is_some_and(cleanup)
}

/// Returns once Cleanup has begun: beats must not be written into tables that are being dropped.
async fn over(live: &Arc<Live>, stop: &CancellationToken) {
    loop {
        if live.book.look(is_ending).await {
            return;
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(Duration::from_millis(100)) => {}
        }
    }
}

fn record(live: &Arc<Live>, from: Side, sample: LagSample, commit_ms: Option<f64>) {
    let series = match from {
        Side::Source => Series::LagForward,
        Side::Target => Series::LagReverse,
    };
    let mut samples = live.samples.lock().unwrap_or_else(PoisonError::into_inner);
    samples.push((series, sample.at, sample.ms));
    if let (Side::Source, Some(ms)) = (from, commit_ms) {
        samples.push((Series::WriteLatency, sample.at, ms));
    }
}
