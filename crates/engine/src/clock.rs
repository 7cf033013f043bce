//! The clock, handed in so that nothing reads the time behind a test's back.

use std::{
    sync::Arc,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use switchyard_model::UnixMs;

/// Wall clock for people and journals, monotonic clock for measuring.
pub trait Clock: Send + Sync {
    /// Now, ms since the Unix epoch.
    fn now(&self) -> UnixMs;
    /// Now, for differences; does not jump when the wall clock is set.
    fn instant(&self) -> Instant;
}

/// Shared clock.
pub type SharedClock = Arc<dyn Clock>;

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> UnixMs {
        // A clock before 1970 is a machine without a battery; zero then reads as "long ago", which closes gates.
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_millis() as UnixMs)
    }

    fn instant(&self) -> Instant {
        Instant::now()
    }
}
