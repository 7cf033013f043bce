//! Times and failures of the last minute, in slices of which the oldest drops out.

use std::collections::{BTreeMap, VecDeque};

use hdrhistogram::Histogram;
use switchyard_model::{
    UnixMs,
    lag::{HoldTracker, LagSample},
    limits::Limits,
    reads::{Counted, LatencyFacts, Place, PlaceKind, SlowTable, Spread, WINDOW_MS},
};

/// Length of a slice, ms.
const SLICE_MS: i64 = 5_000;

/// One probe on one side.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Took {
    /// How long it took, ms.
    pub ms: f64,
    /// Whether it failed; it counts among the times all the same, for whoever asked has waited.
    pub failed: bool,
}

/// What probes of both sides showed.
#[derive(Default)]
pub struct Probed {
    source: Window,
    target: Window,
    hold: HoldTracker,
    facts: Option<LatencyFacts>,
}

#[derive(Default)]
struct Window(VecDeque<Slice>);

struct Slice {
    from: UnixMs,
    times: BTreeMap<String, Histogram<u32>>,
    counted: Counted,
}

impl Probed {
    /// Takes a pair of probes of one table in.
    pub fn took(&mut self, at: UnixMs, table: &str, source: Took, target: Took) {
        self.source.took(at, table, source);
        self.target.took(at, table, target);
    }

    /// A round on both sides is over: the figures are made, and whether they are within the limits is noted.
    pub fn round_ended(&mut self, at: UnixMs, probed: usize, skipped: &[String], limits: &Limits) {
        self.source.forget(at);
        self.target.forget(at);
        let (source, target) = (self.source.spread(), self.target.spread());
        let slowest = self.slowest();
        let mut facts =
            LatencyFacts { at, source, target, slowest, probed, skipped: skipped.to_vec(), within_since: None };
        // The tracker knows one figure and one limit: 0 is within, and 2 is not.
        let ms = if facts.is_within(limits) { 0.0 } else { 2.0 };
        self.hold.push(LagSample { at, ms }, 1.0);
        facts.within_since = self.hold.held_since(at);
        self.facts = Some(facts);
    }

    /// For the gate. What was measured keeps its age.
    pub fn latency(&self, now: UnixMs) -> Option<LatencyFacts> {
        self.facts.clone().map(|facts| LatencyFacts { within_since: self.hold.held_since(now), ..facts })
    }

    /// How many reads were tried in the last minute, and how many failed.
    pub fn place(&mut self, now: UnixMs) -> Place {
        self.source.forget(now);
        self.target.forget(now);
        let (source, target) = (self.source.counted(), self.target.counted());
        let (what, detail) = ("probe reads".to_owned(), String::new());
        Place { what, kind: PlaceKind::Probes, source, target, detail, target_down: false }
    }

    /// Samples of the last minute, on the side that has fewer of them.
    pub fn samples(&mut self, now: UnixMs) -> u64 {
        self.source.forget(now);
        self.target.forget(now);
        self.source.counted().requests.min(self.target.counted().requests)
    }

    /// The table in which the target is farthest behind the source.
    fn slowest(&self) -> Option<SlowTable> {
        let (source, target) = (self.source.tables(), self.target.tables());
        let both = target.iter().filter_map(|(table, there)| {
            let (source_ms, target_ms) = (p99_ms(source.get(table)?), p99_ms(there));
            (target_ms > source_ms).then(|| SlowTable { table: table.clone(), source_ms, target_ms })
        });
        both.max_by(|a, b| (a.target_ms - a.source_ms).total_cmp(&(b.target_ms - b.source_ms)))
    }
}

impl Window {
    fn took(&mut self, at: UnixMs, table: &str, took: Took) {
        // A clock that was set back: nothing in here has an age any more.
        if self.0.back().is_some_and(|s| s.from > at) {
            self.0.clear();
        }
        if self.0.back().is_none_or(|s| at - s.from >= SLICE_MS) {
            self.0.push_back(Slice { from: at, times: BTreeMap::new(), counted: Counted::default() });
        }
        let Some(slice) = self.0.back_mut() else { return };
        slice.counted.requests += 1;
        slice.counted.errors += u64::from(took.failed);
        if let Some(times) = entry(&mut slice.times, table) {
            // Whole microseconds. The histogram grows with what it is given; it refuses nothing that fits into memory.
            let _ = times.record((took.ms * 1000.0).round().max(1.0) as u64);
        }
    }

    fn forget(&mut self, now: UnixMs) {
        while self.0.front().is_some_and(|s| now - s.from > WINDOW_MS) {
            self.0.pop_front();
        }
    }

    fn counted(&self) -> Counted {
        self.0.iter().fold(Counted::default(), |sum, s| Counted {
            requests: sum.requests + s.counted.requests,
            errors: sum.errors + s.counted.errors,
        })
    }

    /// Each table's times.
    fn tables(&self) -> BTreeMap<String, Histogram<u32>> {
        let mut all = BTreeMap::new();
        for (table, times) in self.0.iter().flat_map(|s| &s.times) {
            if let Some(sum) = entry(&mut all, table) {
                // One that grows by itself takes every other in.
                let _ = sum.add(times);
            }
        }
        all
    }

    /// Percentiles of all times together: those of slices or tables are not averaged.
    fn spread(&self) -> Spread {
        let Some(mut all) = histogram() else { return Spread::default() };
        for times in self.0.iter().flat_map(|s| s.times.values()) {
            let _ = all.add(times);
        }
        let ms = |quantile| all.value_at_quantile(quantile) as f64 / 1000.0;
        Spread { samples: all.len(), p50_ms: ms(0.5), p95_ms: ms(0.95), p99_ms: ms(0.99) }
    }
}

fn p99_ms(times: &Histogram<u32>) -> f64 {
    times.value_at_quantile(0.99) as f64 / 1000.0
}

/// Two digits: a read of 4.1 ms is told from one of 4.2 ms.
fn histogram() -> Option<Histogram<u32>> {
    Histogram::new(2).ok()
}

fn entry<'a>(times: &'a mut BTreeMap<String, Histogram<u32>>, table: &str) -> Option<&'a mut Histogram<u32>> {
    if !times.contains_key(table) {
        times.insert(table.to_owned(), histogram()?);
    }
    times.get_mut(table)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn took(ms: f64) -> Took {
        Took { ms, failed: false }
    }

    fn filled(at: UnixMs, target_ms: f64) -> Probed {
        let mut probed = Probed::default();
        for n in 0..100 {
            probed.took(at, "public.orders", took(1.0), took(if n < 98 { 1.0 } else { target_ms }));
        }
        probed.round_ended(at, 1, &[], &Limits::demo());
        probed
    }

    #[test]
    fn percentiles_are_of_all_times_and_not_averages() {
        let facts = filled(0, 600.0).latency(0).unwrap();
        assert_eq!((facts.source.samples, facts.target.samples), (100, 100));
        assert!((facts.target.p99_ms - 600.0).abs() < 6.0, "the 99th of 100: {:?}", facts.target);
        assert!((facts.target.p95_ms - 1.0).abs() < 0.02, "two slow ones move no 95th percentile");
        let slowest = facts.slowest.unwrap();
        assert_eq!(slowest.table, "public.orders");
        assert_eq!(facts.within_since, None, "600 ms are above the floor of the demo's limits");
    }

    #[test]
    fn a_minute_later_nothing_of_it_counts() {
        let mut probed = filled(0, 600.0);
        for at in [30_000, 61_000] {
            for _ in 0..50 {
                probed.took(at, "public.lines", took(2.0), took(1.0));
            }
            probed.round_ended(at, 1, &[], &Limits::demo());
        }
        let facts = probed.latency(61_000).unwrap();
        assert_eq!(facts.source.samples, 100, "both rounds after the first, and none of the first");
        assert_eq!(facts.slowest, None, "the target is nowhere behind");
        assert_eq!(facts.within_since, Some(61_000), "the gap between them proves nothing");
        assert_eq!(probed.place(200_000).target, Counted::default(), "failures leave the window alike");
    }

    #[test]
    fn what_failed_is_counted_and_its_time_as_well() {
        let mut probed = filled(0, 1.0);
        probed.took(10, "public.orders", took(1.0), Took { ms: 500.0, failed: true });
        assert_eq!(probed.place(20).target, Counted { requests: 101, errors: 1 });
        assert_eq!(probed.place(20).source.errors, 0);
    }
}
