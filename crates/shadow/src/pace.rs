//! How often comparisons begin.

use std::time::Duration;

use tokio::{sync::Mutex, time::Instant};

/// Lets one through at a time, at even gaps. What comes late does not catch up: a burst is what a limit is there to prevent.
pub(crate) struct Pace {
    gap: Duration,
    due: Mutex<Instant>,
}

impl Pace {
    pub(crate) fn new(per_second: u32) -> Pace {
        Pace { gap: Duration::from_secs(1) / per_second.max(1), due: Mutex::new(Instant::now()) }
    }

    /// Returns when the next may begin. The runtime's timers are coarser than the gap of a high rate, so up to a tenth of a
    /// second may be made up for.
    pub(crate) async fn next(&self) {
        let at = {
            let mut due = self.due.lock().await;
            let earliest = Instant::now().checked_sub(Duration::from_millis(100)).unwrap_or(*due);
            let at = (*due).max(earliest);
            *due = at + self.gap;
            at
        };
        tokio::time::sleep_until(at).await;
    }
}
