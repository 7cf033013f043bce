//! Percentiles over time: those of each side's window are taken down every few seconds, so that they can be drawn.
//!
//! What is kept is a percentile of real times, as it was then. Roll-ups keep the lowest and the highest of them; none is averaged.

use std::sync::PoisonError;

use switchyard_model::{
    Side, UnixMs,
    lag::percentile,
    reads::{COUNTS_MS, Percentile, Spread, Timed},
    state::State,
};

use super::Live;
use crate::store::Series;

/// The window is a minute long: a figure each five seconds shows all there is to see.
const EVERY_MS: i64 = 5_000;

/// Fewer times than this have no percentiles worth drawing.
const FEWEST: u64 = 20;

/// When percentiles were last taken down.
#[derive(Default)]
pub(super) struct Kept(Option<UnixMs>);

impl Kept {
    /// Takes down what both windows say, once in a while.
    pub(super) fn keep(&mut self, live: &Live, state: &State) {
        let now = live.parts.clock.now();
        // A clock that was set back is no reason to wait.
        if self.0.is_some_and(|at| (0..EVERY_MS).contains(&(now - at))) {
            return;
        }
        self.0 = Some(now);
        let mut rows = Vec::new();
        let reads = live.probed().latency(now).filter(|f| now - f.at <= COUNTS_MS);
        if let Some(reads) = reads {
            rows.extend(of(Timed::Reads, Side::Source, reads.source, now));
            rows.extend(of(Timed::Reads, Side::Target, reads.target, now));
        }
        if let Some(writes) = writes(live, state.authority, now) {
            rows.extend(of(Timed::Writes, state.authority, writes, now));
        }
        live.samples.lock().unwrap_or_else(PoisonError::into_inner).extend(rows);
    }
}

fn of(what: Timed, side: Side, spread: Spread, at: UnixMs) -> Vec<(Series, UnixMs, f64)> {
    if spread.samples < FEWEST {
        return Vec::new();
    }
    Percentile::ALL.map(|p| (Series::latency(what, side, p), at, spread.at(p))).to_vec()
}

/// Commit times of the newest beats.
fn writes(live: &Live, authority: Side, now: UnixMs) -> Option<Spread> {
    let (values, at) = live.latency_on(authority).lock().unwrap_or_else(PoisonError::into_inner).values();
    at.filter(|at| now - at <= COUNTS_MS)?;
    Some(Spread {
        samples: values.len() as u64,
        p50_ms: percentile(&values, 50.0)?,
        p95_ms: percentile(&values, 95.0)?,
        p99_ms: percentile(&values, 99.0)?,
    })
}
