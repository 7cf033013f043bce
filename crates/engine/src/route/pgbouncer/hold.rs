//! What is known of a PAUSE of ours: whether one may be in force at a pooler that does not answer any more.
//!
//! A pooler that was seen running, and was sent no PAUSE since, keeps nobody waiting for us: one that is gone or silent
//! then need not be released. What is not known counts as held.

use std::sync::atomic::{AtomicU64, Ordering};

/// The value of `open_at` before anything is known.
const UNKNOWN: u64 = u64::MAX;

/// A look at the pooler that has begun: how many PAUSEs had been sent until then.
#[derive(Clone, Copy)]
pub(super) struct Look(u64);

/// What this process sent, and what it saw.
pub(super) struct Hold {
    /// How many PAUSEs were sent.
    sent: AtomicU64,
    /// It was seen open after so many.
    open_at: AtomicU64,
}

impl Default for Hold {
    fn default() -> Self {
        Hold { sent: AtomicU64::new(0), open_at: AtomicU64::new(UNKNOWN) }
    }
}

impl Hold {
    /// A PAUSE is about to be sent; whether it arrives and takes effect is not known before an answer.
    pub(super) fn is_sent(&self) {
        self.sent.fetch_add(1, Ordering::SeqCst);
    }

    /// Begins a look. Looks overlap: what one sees is as old as its beginning.
    pub(super) fn begin(&self) -> Look {
        Look(self.sent.load(Ordering::SeqCst))
    }

    /// What the look saw.
    pub(super) fn seen(&self, look: Look, holding: bool) {
        self.open_at.store(if holding { UNKNOWN } else { look.0 }, Ordering::SeqCst);
    }

    /// Whether no PAUSE of ours can be in force.
    pub(super) fn is_surely_open(&self) -> bool {
        self.open_at.load(Ordering::SeqCst) == self.sent.load(Ordering::SeqCst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_pooler_that_was_seen_open_since_the_last_pause_is_surely_open() {
        let hold = Hold::default();
        assert!(!hold.is_surely_open(), "another process may have paused it");
        hold.seen(hold.begin(), false);
        assert!(hold.is_surely_open());
        let overlapping = hold.begin();
        hold.is_sent();
        hold.seen(overlapping, false);
        assert!(!hold.is_surely_open(), "what a look saw before the PAUSE says nothing about after it");
        hold.seen(hold.begin(), false);
        assert!(hold.is_surely_open(), "it answered our RESUME");
        hold.seen(hold.begin(), true);
        assert!(!hold.is_surely_open(), "somebody else's PAUSE is one too");
    }
}
