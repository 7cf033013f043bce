//! What a replay measured, by shape. Percentiles come from histograms and are never averaged.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;
use serde::Serialize;
use switchyard_load::Spread;

use crate::fit::Kind;

/// So many shapes have figures of their own.
const MOST: usize = 2_000;

/// Times, µs.
#[derive(Debug)]
pub(crate) struct Times(Option<Histogram<u64>>);

impl Default for Times {
    fn default() -> Times {
        // Two digits, which is a constant that the library takes.
        Times(Histogram::new(2).ok())
    }
}

impl Times {
    pub(crate) fn record(&mut self, us: u64) {
        if let Some(all) = &mut self.0 {
            // It grows as far as that takes; clamping to its range would keep it as small as it begins.
            let _ = all.record(us.max(1));
        }
    }

    pub(crate) fn spread(&self) -> Option<Spread> {
        let all = self.0.as_ref().filter(|h| !h.is_empty())?;
        let at = |percent: f64| all.value_at_quantile(percent / 100.0) as f64 / 1000.0;
        Some(Spread { p50_ms: at(50.0), p95_ms: at(95.0), p99_ms: at(99.0), max_ms: all.max() as f64 / 1000.0 })
    }
}

/// One shape's figures while they grow.
#[derive(Debug, Default)]
struct Grown {
    text: String,
    calls: u64,
    failed: u64,
    differed: u64,
    unlike_captured: u64,
    captured: Times,
    here: Times,
    there: Times,
}

/// One shape's figures.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ShapeFigures {
    /// The shape's id, as `queries top` has it.
    pub id: String,
    /// Its text.
    pub text: String,
    /// Times it was played.
    pub calls: u64,
    /// Times it failed.
    pub failed: u64,
    /// Times its answers differed.
    pub differed: u64,
    /// Times it failed though it had not when it was captured, or the other way round.
    pub unlike_captured: u64,
    /// As the source's log has it.
    pub captured: Option<Spread>,
    /// On the copy.
    pub here: Option<Spread>,
    /// On the other copy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub there: Option<Spread>,
}

/// Figures of all shapes.
#[derive(Debug, Default)]
pub struct Tally {
    shapes: BTreeMap<String, Grown>,
    others: Grown,
}

/// One statement that was played.
pub(crate) struct Played<'a> {
    pub(crate) kind: &'a Kind,
    pub(crate) captured_us: Option<u64>,
    pub(crate) here_us: u64,
    pub(crate) there_us: Option<u64>,
    pub(crate) failed: bool,
    pub(crate) differed: bool,
    pub(crate) unlike_captured: bool,
}

impl Tally {
    pub(crate) fn take(&mut self, one: &Played<'_>) {
        let shape = &one.kind.shape;
        let is_known = self.shapes.contains_key(&shape.id) || self.shapes.len() < MOST;
        let grown = if is_known { self.shapes.entry(shape.id.clone()).or_default() } else { &mut self.others };
        if grown.calls == 0 {
            grown.text = if is_known { shape.text.clone() } else { "all others".to_owned() };
        }
        grown.calls += 1;
        grown.failed += u64::from(one.failed);
        grown.differed += u64::from(one.differed);
        grown.unlike_captured += u64::from(one.unlike_captured);
        grown.here.record(one.here_us);
        if let Some(us) = one.captured_us {
            grown.captured.record(us);
        }
        if let Some(us) = one.there_us {
            grown.there.record(us);
        }
    }

    /// Every shape, those that were played most often first.
    pub fn figures(&self) -> Vec<ShapeFigures> {
        let none = String::new();
        let all = self.shapes.iter().chain([(&none, &self.others)]).filter(|(_, g)| g.calls > 0);
        let mut all: Vec<ShapeFigures> = all
            .map(|(id, g)| ShapeFigures {
                id: id.clone(),
                text: g.text.clone(),
                calls: g.calls,
                failed: g.failed,
                differed: g.differed,
                unlike_captured: g.unlike_captured,
                captured: g.captured.spread(),
                here: g.here.spread(),
                there: g.there.spread(),
            })
            .collect();
        all.sort_by_key(|f| std::cmp::Reverse((f.differed, f.calls)));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_any_size_are_told_as_they_are() {
        let mut times = Times::default();
        [100, 5_000, 5_000, 70_000_000].into_iter().for_each(|us| times.record(us));
        let spread = times.spread().unwrap();
        assert!((4.9..5.1).contains(&spread.p50_ms) && (69_000.0..71_000.0).contains(&spread.max_ms), "{spread:?}");
    }
}
