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
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_millis() as UnixMs) + set_wrong()
    }

    fn instant(&self) -> Instant {
        Instant::now()
    }
}

/// The variable that names a file with how wrong the time of day is, in ms, for tests that set a machine's clock while the
/// program runs. Debug builds alone read it.
#[cfg(debug_assertions)]
fn set_wrong() -> UnixMs {
    use std::sync::OnceLock;
    static FILE: OnceLock<Option<std::ffi::OsString>> = OnceLock::new();
    let Some(path) = FILE.get_or_init(|| std::env::var_os("SWITCHYARD_CLOCK")) else { return 0 };
    std::fs::read_to_string(path).ok().and_then(|text| text.trim().parse().ok()).unwrap_or_default()
}

/// Nothing in what is shipped.
#[cfg(not(debug_assertions))]
fn set_wrong() -> UnixMs {
    0
}
