//! A reconciler: reads everybody's counters of what failed. The errors gate judges.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use switchyard_model::{
    Command, UnixMs,
    reads::{Counted, ErrorFacts, Place, PlaceKind},
    state::State,
};

use super::{Live, probes::is_streaming};
use crate::{
    db::probes::DatabaseCounts,
    error::Result,
    probes::Growth,
    route::{Served, ServedBySide},
    saga::Pair,
};

/// Longest that one look may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long after a run that ends transactions on purpose what ended may still appear in the statistics, ms. A server
/// writes those of an idle session down within ten seconds.
const AFTERMATH_MS: i64 = 11_000;

/// Counters over the last minute.
#[derive(Default)]
pub(super) struct Counters {
    servers: [Growth; 2],
    routers: BTreeMap<String, [Growth; 2]>,
}

/// One look.
pub(super) async fn look(live: Arc<Live>) {
    let state = live.book.state().await;
    let Some(pair) = live.pair().await.filter(|_| is_streaming(&state)) else { return };
    let Ok(Ok(servers)) = tokio::time::timeout(PATIENCE, servers(&pair)).await else {
        // What was seen last stays, with its age.
        return;
    };
    let routers = pair.routers.served_all().await;
    let now = live.parts.clock.now();
    let mut places = vec![live.probed().place(now)];
    let mut blind = Vec::new();
    {
        let mut counters = live.counters();
        if disturbed(&state, now) {
            *counters = Counters::default();
        }
        places.push(transactions(&mut counters.servers, &servers, now));
        let mut mute = Vec::new();
        for (label, served) in routers {
            match served {
                Ok(Some(served)) => {
                    let growth = counters.routers.entry(label.clone()).or_default();
                    places.push(connections(growth, &label, &served, now));
                }
                Ok(None) => mute.push(label),
                Err(e) => blind.push(e.to_string()),
            }
        }
        if !mute.is_empty() {
            blind.push(format!("errors are not counted by {}", mute.join(", ")));
        }
    }
    let failing = live.failing_told();
    places.extend(failing.places);
    blind.extend(failing.blind);
    live.snapshot().facts.errors = Some(ErrorFacts { at: now, places, blind, always: failing.always });
}

async fn servers(pair: &Pair) -> Result<[DatabaseCounts; 2]> {
    let (source, target) = tokio::try_join!(pair.source.probes.counts(), pair.target.probes.counts())?;
    Ok([source, target])
}

/// A switch refuses writes and rolls its own transactions back: what it does on purpose is no error rate. Shifting reads does
/// no such thing, and what fails because of it has to be seen.
pub(super) fn disturbed(state: &State, now: UnixMs) -> bool {
    let on_purpose = |command: &Command| match command {
        Command::ShiftReads { .. } | Command::Validate | Command::Analyze => false,
        Command::Prepare
        | Command::Hold
        | Command::Release
        | Command::Replicate
        | Command::Repair { .. }
        | Command::SwitchWrites
        | Command::RollBack
        | Command::Cleanup { .. } => true,
    };
    let lately = |at: UnixMs| (0..AFTERMATH_MS).contains(&(now - at));
    state.open_run.as_ref().is_some_and(|run| on_purpose(&run.command))
        || state
            .last_run
            .as_ref()
            .is_some_and(|run| on_purpose(&run.command) && run.ended.as_ref().is_some_and(|(at, _, _)| lately(*at)))
}

/// A deadlock rolls a transaction back: it is told, and not counted twice.
fn transactions(growth: &mut [Growth; 2], servers: &[DatabaseCounts; 2], now: UnixMs) -> Place {
    let [source, target] = growth;
    let (source, _) = database(source, &servers[0], now);
    let (target, detail) = database(target, &servers[1], now);
    Place { what: "transactions".to_owned(), kind: PlaceKind::Server, source, target, detail, target_down: false }
}

fn database(growth: &mut Growth, counts: &DatabaseCounts, now: UnixMs) -> (Counted, String) {
    let DatabaseCounts { transactions, rollbacks, deadlocks, fatal, killed } = *counts;
    let added = growth.push(now, vec![transactions, rollbacks, deadlocks, fatal, killed]);
    let [requests, rollbacks, deadlocks, fatal, killed] = added[..] else { return Default::default() };
    let told = [
        told(rollbacks, "rolled back"),
        told(deadlocks, "of them by a deadlock"),
        told(fatal, "sessions ended by a fatal error"),
        told(killed, "sessions terminated"),
    ];
    let detail: Vec<String> = told.into_iter().flatten().collect();
    (Counted { requests, errors: rollbacks + fatal + killed }, detail.join(", "))
}

fn connections(growth: &mut [Growth; 2], label: &str, served: &ServedBySide, now: UnixMs) -> Place {
    let [source, target] = growth;
    let (source, _) = through(source, &served.source, now);
    let (target, mut detail) = through(target, &served.target, now);
    if let Some(server) = &served.target.down {
        detail = format!("{label} says so of {server}");
    }
    let what = format!("connections through {label}");
    Place { what, kind: PlaceKind::Router, source, target, detail, target_down: served.target.down.is_some() }
}

fn through(growth: &mut Growth, served: &Served, now: UnixMs) -> (Counted, String) {
    let Served { connections, failed, cut_off, retries, .. } = *served;
    let added = growth.push(now, vec![connections, failed, cut_off, retries]);
    let [requests, failed, cut_off, retries] = added[..] else { return Default::default() };
    let told = [told(failed, "not accepted"), told(cut_off, "cut off by the server"), told(retries, "tried again")];
    let detail: Vec<String> = told.into_iter().flatten().collect();
    (Counted { requests, errors: failed + cut_off }, detail.join(", "))
}

fn told(n: u64, what: &str) -> Option<String> {
    (n > 0).then(|| format!("{n} {what}"))
}
