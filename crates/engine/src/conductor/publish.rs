//! Publishing: what was measured goes to the store, so that every host shows the same.

use std::sync::{Arc, PoisonError};

use switchyard_model::{Side, lag::percentile};

use super::{Event, Live};
use crate::facts::{BASELINE, SNAPSHOT, WriteLatency};

/// Writes the snapshot and the waiting samples.
pub(super) async fn snapshot(live: Arc<Live>) {
    // Sign-offs, overrides and limits come from other processes through the journal.
    let Ok(state) = live.book.catch_up().await else { return };
    live.set_limit_ms(state.limits().lag_limit_ms);
    let facts = live.facts().await;
    let figures = |side| live.meter(side).lock().unwrap_or_else(PoisonError::into_inner).figures();
    let (forward, reverse) = (figures(Side::Source), figures(Side::Target));
    let baseline: Option<(i64, f64)> = live.parts.store.snapshot(live.book.migration(), BASELINE).await.unwrap_or(None);
    // The baseline is the source's: another server's commits are not compared with it.
    let before_ms = baseline.map(|(_, ms)| ms).filter(|_| state.authority == Side::Source);
    let latency = write_latency(&live, state.authority, before_ms);
    let document = {
        let mut snapshot = live.snapshot();
        snapshot.facts = facts;
        snapshot.lag_forward = forward;
        snapshot.lag_reverse = reverse;
        snapshot.write_latency = latency.or(snapshot.write_latency);
        snapshot.progress = live.progress.line();
        if let Some(copy) = live.progress.copied() {
            snapshot.copy = Some(copy);
        }
        snapshot.clone()
    };
    let store = &live.parts.store;
    if let Err(e) = store.put_snapshot(live.book.migration(), SNAPSHOT, live.parts.clock.now(), &document).await {
        tracing::warn!(error = %e, "the snapshot could not be written");
    }
    let samples = std::mem::take(&mut *live.samples.lock().unwrap_or_else(PoisonError::into_inner));
    if !samples.is_empty()
        && let Err(e) = store.add_samples(live.book.migration(), &samples).await
    {
        tracing::warn!(error = %e, "samples could not be written");
    }
    live.tell(Event::Changed { migration: state.spec.name });
}

/// Removes samples that are older than their level keeps.
pub(super) async fn prune(live: Arc<Live>) {
    if let Err(e) = live.parts.store.prune_samples(live.parts.clock.now()).await {
        tracing::warn!(error = %e, "old samples could not be removed");
    }
}

/// Commit times of beats now, beside the median that was measured before replication began.
fn write_latency(live: &Live, authority: Side, before_ms: Option<f64>) -> Option<WriteLatency> {
    let (values, at) = live.latency_on(authority).lock().unwrap_or_else(PoisonError::into_inner).values();
    Some(WriteLatency {
        before_ms,
        now_ms: percentile(&values, 50.0)?,
        p99_ms: percentile(&values, 99.0)?,
        samples: values.len() as u32,
        at: at?,
    })
}
