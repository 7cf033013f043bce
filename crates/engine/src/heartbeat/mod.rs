//! Heartbeat: a beat each second on both sides, looked for on the other.
//!
//! Owns the numbers of beats, the meters that turn them into lag, and the worker that writes and looks. It never writes
//! anything but beats.

mod meter;
mod worker;

use std::sync::atomic::{AtomicI64, Ordering};

pub use meter::{LagWindow, Meter, WINDOW_MS};
pub use worker::{Beating, Latency, run};

use crate::clock::SharedClock;

/// Hands out beat numbers: milliseconds since 1970, made strictly increasing, so that a new process goes on beyond the
/// old one without asking anybody.
pub struct Beats {
    clock: SharedClock,
    last: AtomicI64,
}

impl Beats {
    /// With its clock.
    pub fn new(clock: SharedClock) -> Self {
        Beats { clock, last: AtomicI64::new(0) }
    }

    /// Makes sure that the next number is beyond one that was seen in a database, should the wall clock have gone back.
    pub fn seen(&self, n: i64) {
        self.last.fetch_max(n, Ordering::Relaxed);
    }

    /// The next number.
    pub fn next(&self) -> i64 {
        let now = self.clock.now();
        let step = |last: i64| Some(now.max(last + 1));
        match self.last.fetch_update(Ordering::Relaxed, Ordering::Relaxed, step) {
            Ok(last) | Err(last) => now.max(last + 1),
        }
    }
}
