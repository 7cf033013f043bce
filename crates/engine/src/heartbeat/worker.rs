//! The worker of one direction: writes a beat each second, looks for it on the other side until it is there.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use switchyard_model::{Side, UnixMs, lag::LagSample};
use tokio_util::sync::CancellationToken;

use super::{Beats, Meter};
use crate::{
    clock::SharedClock,
    db::{Database, Heartbeat},
    error::Result,
};

/// How often a beat is looked for: fine at first, since most arrive within milliseconds, never coarser than 50 ms.
const LOOKS_MS: [u64; 4] = [4, 8, 15, 25];
const LOOK_MS: u64 = 50;

/// Commit times of beats on one side, newest last: what replication costs a write, measured by a write.
#[derive(Debug, Default)]
pub struct Latency {
    samples: std::collections::VecDeque<(UnixMs, f64)>,
}

impl Latency {
    /// Takes one in; keeps the newest 300.
    pub fn push(&mut self, at: UnixMs, ms: f64) {
        self.samples.push_back((at, ms));
        if self.samples.len() > 300 {
            self.samples.pop_front();
        }
    }

    /// The values and when the newest was taken.
    pub fn values(&self) -> (Vec<f64>, Option<UnixMs>) {
        (self.samples.iter().map(|s| s.1).collect(), self.samples.back().map(|s| s.0))
    }

    /// Forgets them: what was measured before a change is not compared with itself.
    pub fn clear(&mut self) {
        self.samples.clear();
    }
}

/// What one worker needs.
pub struct Beating {
    /// The side whose stream is measured.
    pub from: Side,
    /// Its database.
    pub here: Database,
    /// The other side's.
    pub there: Database,
}

/// Beats until cancelled. `record` gets each lag measurement; `limit` is asked each time, since limits can change.
#[expect(clippy::too_many_arguments, reason = "the narrow dependencies of one worker, each used once")]
pub async fn run(
    beating: Beating,
    beats: Arc<Beats>,
    meter: Arc<Mutex<Meter>>,
    latency: Arc<Mutex<Latency>>,
    clock: SharedClock,
    limit: impl Fn() -> f64 + Send,
    record: impl Fn(LagSample, Option<f64>) + Send,
    cancel: CancellationToken,
) {
    let mut tick = tokio::time::interval(Duration::from_secs(1));
    // After a sleep of the machine one beat is due, not an hour of them.
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    // The first beat pays for its connection and its plan, which no application does at each write.
    let mut warm = false;
    loop {
        tokio::select! {
            () = cancel.cancelled() => return,
            _ = tick.tick() => {}
        }
        let round = async {
            let commit_ms = beat(&beating, &beats, &meter, &clock).await?;
            let lag = look(&beating, &meter, &clock).await?;
            Ok::<_, crate::Error>((commit_ms, lag))
        };
        let Ok(result) = tokio::time::timeout(Duration::from_millis(3_000), round).await else { continue };
        // A side that does not answer leaves no measurement; the gap says so. Why is told by the server reconciler.
        let Ok((commit_ms, lag)) = result else { continue };
        if !std::mem::replace(&mut warm, true) {
            continue;
        }
        latency.lock().unwrap_or_else(PoisonError::into_inner).push(clock.now(), commit_ms);
        if let Some(ms) = lag {
            let sample = LagSample { at: clock.now(), ms };
            meter.lock().unwrap_or_else(PoisonError::into_inner).measured(sample, limit());
            record(sample, Some(commit_ms));
        }
    }
}

async fn beat(b: &Beating, beats: &Beats, meter: &Mutex<Meter>, clock: &SharedClock) -> Result<f64> {
    let n = beats.next();
    let began = clock.instant();
    b.here.heartbeat.beat(b.from, n).await?;
    let committed = clock.instant();
    meter.lock().unwrap_or_else(PoisonError::into_inner).written(n, committed);
    Ok(committed.duration_since(began).as_secs_f64() * 1000.0)
}

/// Looks until the newest beat is there or the next one is due; returns the lag, None while unknown.
async fn look(b: &Beating, meter: &Mutex<Meter>, clock: &SharedClock) -> Result<Option<f64>> {
    let began = clock.instant();
    let mut waits = LOOKS_MS.iter().copied().chain(std::iter::repeat(LOOK_MS));
    loop {
        if let Some(ms) = look_once(b.there.heartbeat.as_ref(), b.from, meter, clock).await? {
            return Ok(Some(ms));
        }
        let now = clock.instant();
        if now.duration_since(began) > Duration::from_millis(900) {
            return Ok(meter.lock().unwrap_or_else(PoisonError::into_inner).out_for(now));
        }
        tokio::time::sleep(Duration::from_millis(waits.next().unwrap_or(LOOK_MS))).await;
    }
}

async fn look_once(
    there: &dyn Heartbeat,
    from: Side,
    meter: &Mutex<Meter>,
    clock: &SharedClock,
) -> Result<Option<f64>> {
    let seen = there.seen(from).await?;
    let now: Instant = clock.instant();
    let mut meter = meter.lock().unwrap_or_else(PoisonError::into_inner);
    // Delay counts only when nothing newer is out; otherwise the stream is still behind.
    Ok(seen.and_then(|n| meter.seen(n, now)).filter(|_| meter.out_for(now).is_none()))
}
