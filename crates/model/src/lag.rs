//! Lag: from beats to figures.
//!
//! A beat is written on the authority each second and looked for on the other side. Its delay is the time from the
//! commit of the write to the moment it was seen, both on this process's monotonic clock, so that clocks that differ
//! between servers do not count. While a beat is out longer than the newest delay, the lag is how long it has been out.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::UnixMs;

/// Longest break between two measurements that still counts as "without a break", ms. Beats come each second; three
/// missed in a row mean that nobody was looking.
pub const GAP_MS: i64 = 3_500;

/// One measurement.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, TS)]
pub struct LagSample {
    /// When.
    pub at: UnixMs,
    /// Lag, ms.
    pub ms: f64,
}

/// Since when the lag has been at or below a limit without a break.
///
/// Feed it as measured. A sample above the limit, a gap longer than [`GAP_MS`] or a clock that was set back starts over:
/// no data is not good data.
#[derive(Debug, Clone, Default)]
pub struct HoldTracker {
    since: Option<UnixMs>,
    last: Option<UnixMs>,
}

impl HoldTracker {
    /// Takes one sample in.
    pub fn push(&mut self, sample: LagSample, limit_ms: f64) {
        let gap = self.last.is_some_and(|last| sample.at - last > GAP_MS || sample.at < last);
        if gap || sample.ms > limit_ms || !sample.ms.is_finite() {
            self.since = None;
        }
        if sample.ms <= limit_ms && self.since.is_none() {
            self.since = Some(sample.at);
        }
        self.last = Some(sample.at);
    }

    /// Since when it has held, as of `now`; None when it does not hold or nobody is measuring.
    pub fn held_since(&self, now: UnixMs) -> Option<UnixMs> {
        let fresh = self.last.is_some_and(|last| (now - last).abs() <= GAP_MS);
        if fresh { self.since } else { None }
    }
}

/// Nearest-rank percentile, `p` in 0–100; None without samples.
///
/// Nearest rank (ISO 2602's definition for ordinal data) always names a value that occurred.
pub fn percentile(values: &[f64], p: f64) -> Option<f64> {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
    if sorted.is_empty() {
        return None;
    }
    sorted.sort_by(f64::total_cmp);
    let rank = ((p / 100.0) * sorted.len() as f64).ceil().max(1.0) as usize;
    sorted.get(rank.min(sorted.len()) - 1).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push_all(samples: &[(i64, f64)]) -> HoldTracker {
        let mut t = HoldTracker::default();
        for &(at, ms) in samples {
            t.push(LagSample { at, ms }, 1000.0);
        }
        t
    }

    #[test]
    fn holds_from_the_first_good_sample() {
        assert_eq!(
            push_all(&[(0, 10.0), (1000, 900.0), (2000, 1000.0)]).held_since(2500),
            Some(0),
            "the limit itself is within"
        );
    }

    #[test]
    fn a_spike_starts_over() {
        assert_eq!(push_all(&[(0, 10.0), (1000, 1001.0), (2000, 5.0)]).held_since(2500), Some(2000));
    }

    #[test]
    fn a_gap_starts_over_because_no_data_is_not_good_data() {
        assert_eq!(push_all(&[(0, 10.0), (10_000, 5.0)]).held_since(10_100), Some(10_000));
        assert_eq!(push_all(&[(0, 10.0), (1000, 5.0)]).held_since(60_000), None, "a laptop that slept knows nothing");
    }

    #[test]
    fn a_clock_that_was_set_back_starts_over() {
        let t = push_all(&[(3_600_000, 10.0), (3_601_000, 10.0), (2000, 5.0)]);
        assert_eq!(t.held_since(2100), Some(2000), "or the gate would stay shut until the old time comes again");
        let t = push_all(&[(3_600_000, 10.0)]);
        assert_eq!(t.held_since(1000), None, "a time that is yet to come proves nothing about now");
    }

    #[test]
    fn not_a_number_is_not_below_the_limit() {
        assert_eq!(push_all(&[(0, f64::NAN)]).held_since(10), None);
    }

    #[test]
    fn nearest_rank() {
        let v: Vec<f64> = (1..=100).map(f64::from).collect();
        assert_eq!(percentile(&v, 95.0), Some(95.0));
        assert_eq!(percentile(&v, 0.0), Some(1.0));
        assert_eq!(percentile(&[], 50.0), None, "no samples, no figure");
    }
}
