//! How long acts took: percentiles of all of them, and the longest one since any moment.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

/// Buckets grow by 2 %, so a percentile is off by at most that.
const GROWTH: f64 = 1.02;
/// Up to about 20 minutes.
const BUCKETS: usize = 1060;

/// Percentiles of latency, in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// How many acts were measured.
    pub count: u64,
    /// Half of them took at most this long.
    pub p50_ms: f64,
    /// 95 % of them did.
    pub p95_ms: f64,
    /// 99 % of them did.
    pub p99_ms: f64,
}

/// A histogram with exponential buckets; subtracting an earlier one gives what happened in between.
#[derive(Debug, Clone)]
pub struct Histogram {
    counts: Vec<u64>,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { counts: vec![0; BUCKETS] }
    }
}

impl Histogram {
    fn record(&mut self, latency: Duration) {
        let micros = latency.as_secs_f64() * 1e6;
        let bucket = if micros < 1.0 { 0 } else { (micros.ln() / GROWTH.ln()) as usize };
        if let Some(count) = self.counts.get_mut(bucket.min(BUCKETS - 1)) {
            *count += 1;
        }
    }

    /// Adds another histogram's acts.
    pub fn add(&mut self, other: &Self) {
        self.counts.iter_mut().zip(&other.counts).for_each(|(a, b)| *a += b);
    }

    /// Only the acts since `earlier` was taken.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        Self { counts: self.counts.iter().zip(&earlier.counts).map(|(a, b)| a.saturating_sub(*b)).collect() }
    }

    /// The percentiles.
    pub fn latency(&self) -> Latency {
        let count = self.counts.iter().sum();
        Latency { count, p50_ms: self.percentile(0.5), p95_ms: self.percentile(0.95), p99_ms: self.percentile(0.99) }
    }

    fn percentile(&self, part: f64) -> f64 {
        let total: u64 = self.counts.iter().sum();
        let rank = (total as f64 * part).ceil() as u64;
        let mut seen = 0;
        let bucket = self.counts.iter().position(|count| {
            seen += count;
            seen >= rank.max(1)
        });
        // The middle of the bucket.
        bucket.map_or(0.0, |b| GROWTH.powf(b as f64 + 0.5) / 1000.0)
    }
}

/// One client's measurements.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    pub(crate) histogram: Histogram,
    /// Ends and latencies, the latencies falling: a later, longer act makes an earlier one irrelevant for every
    /// question "longest since". It stays a few entries long.
    peaks: Vec<(Instant, Duration)>,
    /// Since when the client waits, over all attempts of an act.
    waiting_since: Option<Instant>,
}

impl Meter {
    /// An act begins, or is tried again.
    pub(crate) fn begin(&mut self) {
        self.waiting_since.get_or_insert_with(Instant::now);
    }

    /// The act was acknowledged.
    pub(crate) fn end(&mut self) {
        let Some(begun) = self.waiting_since.take() else { return };
        let now = Instant::now();
        let latency = now - begun;
        self.histogram.record(latency);
        while self.peaks.last().is_some_and(|(_, shorter)| *shorter <= latency) {
            self.peaks.pop();
        }
        self.peaks.push((now, latency));
    }

    /// The longest act that ended after `mark` or still goes on.
    pub(crate) fn longest_since(&self, mark: Instant) -> Duration {
        let ended = self.peaks.get(self.peaks.partition_point(|(end, _)| *end < mark)).map(|(_, latency)| *latency);
        let waiting = self.waiting_since.map(|begun| begun.elapsed());
        ended.max(waiting).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_within_two_percent() {
        let mut histogram = Histogram::default();
        (1..=1000).for_each(|n| histogram.record(Duration::from_micros(n * 100)));
        let latency = histogram.latency();
        assert!((latency.p50_ms - 50.0).abs() < 1.0, "{latency:?}");
        assert!((latency.p99_ms - 99.0).abs() < 2.0, "{latency:?}");
    }

    #[test]
    fn longest_since_forgets_what_ended_before() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let peaks = vec![(at(10), Duration::from_millis(9)), (at(30), Duration::from_millis(4))];
        let meter = Meter { peaks, ..Meter::default() };
        assert_eq!(meter.longest_since(start), Duration::from_millis(9));
        assert_eq!(meter.longest_since(at(20)), Duration::from_millis(4));
        assert_eq!(meter.longest_since(at(40)), Duration::ZERO);
    }
}
