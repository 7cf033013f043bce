//! How fast a pass goes: progress, pause and throttle, shared by all its lanes.

use std::{
    sync::atomic::{AtomicI64, AtomicU32, Ordering},
    time::Duration,
};

use tokio::sync::watch;

/// Shared by whoever runs a pass and whoever watches or slows it.
#[derive(Debug)]
pub struct Pace {
    rows: AtomicI64,
    /// Rows that an earlier process had read, or an earlier session.
    resumed: AtomicI64,
    tables: AtomicI64,
    /// Percent of the time in which a lane reads; the rest it rests.
    duty: AtomicU32,
    paused: watch::Sender<bool>,
}

impl Default for Pace {
    fn default() -> Self {
        let (paused, _) = watch::channel(false);
        Pace {
            rows: AtomicI64::new(0),
            resumed: AtomicI64::new(0),
            tables: AtomicI64::new(0),
            duty: AtomicU32::new(100),
            paused,
        }
    }
}

impl Pace {
    /// Rows read so far, both sides together.
    pub fn rows(&self) -> i64 {
        self.rows.load(Ordering::Relaxed)
    }

    /// Rows that need not be read again, since an earlier process had come so far, both sides together.
    pub fn resumed(&self) -> i64 {
        self.resumed.load(Ordering::Relaxed)
    }

    /// Tables compared so far.
    pub fn tables(&self) -> i64 {
        self.tables.load(Ordering::Relaxed)
    }

    /// Lets the pass read only this share of the time, 1–100 %.
    pub fn throttle(&self, percent: u32) {
        self.duty.store(percent.clamp(1, 100), Ordering::Relaxed);
    }

    /// Stops before the next slice, or goes on.
    pub fn pause(&self, paused: bool) {
        self.paused.send_replace(paused);
    }

    /// A table is gone on with where an earlier process had come so far; of a session that broke, the same again.
    pub(super) fn resume(&self, rows: i64) {
        self.resumed.fetch_add(rows, Ordering::Relaxed);
    }

    /// A table was compared.
    pub(super) fn table(&self) {
        self.tables.fetch_add(1, Ordering::Relaxed);
    }

    /// Rests for as long as the limits ask after so much work.
    pub(super) async fn rest(&self, took: Duration) {
        let duty = self.duty.load(Ordering::Relaxed);
        if duty < 100 {
            tokio::time::sleep(took * (100 - duty) / duty).await;
        }
    }

    /// A slice was read: counts it, and waits as long as the limits ask.
    pub(super) async fn read(&self, rows: i64, took: Duration) {
        self.rows.fetch_add(rows, Ordering::Relaxed);
        self.rest(took).await;
        let mut paused = self.paused.subscribe();
        // The sender lives as long as we do, so this only returns when it is not paused.
        let _ = paused.wait_for(|paused| !paused).await;
    }
}
