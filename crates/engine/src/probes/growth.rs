//! Counters that only grow, over a window.

use std::collections::VecDeque;

use switchyard_model::{UnixMs, reads::WINDOW_MS};

/// What was added to some counters in the window. One that went backwards means a restart, or statistics that somebody
/// reset: everything starts over.
#[derive(Debug, Default)]
pub struct Growth {
    past: VecDeque<(UnixMs, Vec<u64>)>,
}

impl Growth {
    /// Takes new values in, always the same counters in the same order; says what was added to each in the window.
    pub fn push(&mut self, at: UnixMs, values: Vec<u64>) -> Vec<u64> {
        if self.past.back().is_some_and(|(before, old)| at < *before || !grew(old, &values)) {
            self.past.clear();
        }
        // The newest that is older than the window stays: what was added is counted from there.
        while self.past.get(1).is_some_and(|(second, _)| at - second >= WINDOW_MS) {
            self.past.pop_front();
        }
        let base = self.past.front().map_or(&values, |(_, old)| old);
        let added = values.iter().zip(base).map(|(now, then)| now - then).collect();
        self.past.push_back((at, values));
        added
    }

    /// Forgets what was seen: it counts from the next values on.
    pub fn start_over(&mut self) {
        self.past.clear();
    }
}

fn grew(old: &[u64], new: &[u64]) -> bool {
    old.len() == new.len() && old.iter().zip(new).all(|(old, new)| new >= old)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_added_counts_for_a_minute() {
        let mut g = Growth::default();
        assert_eq!(g.push(0, vec![100, 7]), [0, 0], "what was there before we looked is not ours to count");
        assert_eq!(g.push(2_000, vec![150, 9]), [50, 2]);
        assert_eq!(g.push(61_000, vec![150, 9]), [50, 2], "the step from 0 to 2 s is still within the last minute");
        assert_eq!(g.push(63_000, vec![160, 9]), [10, 0], "it has passed");
    }

    #[test]
    fn a_counter_that_fell_starts_over() {
        let mut g = Growth::default();
        g.push(0, vec![100, 7]);
        assert_eq!(g.push(2_000, vec![3, 0]), [0, 0], "the server was restarted");
        assert_eq!(g.push(4_000, vec![5, 1]), [2, 1]);
        assert_eq!(g.push(3_000, vec![9, 9]), [0, 0], "and so does a clock that was set back");
    }
}
