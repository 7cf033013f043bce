//! How long each statement takes, by a log that has all durations (`log_min_duration_statement = 0`).
//!
//! A histogram per shape: percentiles are read from it and never averaged. What a log holds of a statement may be the slow
//! runs alone; whoever shows percentiles compares their number with the calls that were counted.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;

use crate::{damage::Percentiles, log::Entry, shape::Shape};

/// Shapes that are kept apart.
const MOST: usize = 2_000;

/// Digits that a time keeps.
const DIGITS: u8 = 2;

/// Durations of one database's statements.
#[derive(Debug, Clone, Default)]
pub struct Latencies {
    database: Option<String>,
    since: Option<i64>,
    shapes: BTreeMap<String, Histogram<u64>>,
    others: u64,
}

impl Latencies {
    /// Of this database alone where one is named, and of entries that are not older than `since` (Unix ms).
    pub fn new(database: Option<&str>, since: Option<i64>) -> Latencies {
        Latencies { database: database.map(str::to_owned), since, ..Latencies::default() }
    }

    /// Takes an entry; those without a statement and its duration leave no trace.
    pub fn take(&mut self, entry: &Entry<'_>) {
        let Some((ms, text)) = entry.duration_ms().zip(entry.statement()) else { return };
        if !entry.is_of(self.database.as_deref(), self.since) {
            return;
        }
        let id = Shape::id_of(text);
        if !self.shapes.contains_key(&id) && self.shapes.len() >= MOST {
            self.others += 1;
            return;
        }
        let histogram = match self.shapes.entry(id) {
            std::collections::btree_map::Entry::Occupied(known) => known.into_mut(),
            std::collections::btree_map::Entry::Vacant(new) => match Histogram::new(DIGITS) {
                Ok(histogram) => new.insert(histogram),
                // It takes between 0 and 5 digits.
                Err(_) => return,
            },
        };
        // It grows by itself; only a time that no histogram holds is left out.
        let _ = histogram.record((ms * 1000.0).max(1.0) as u64);
    }

    /// Runs of shapes beyond those that are kept apart.
    pub fn others(&self) -> u64 {
        self.others
    }

    /// Of a shape by its id; None where the log has none of its runs.
    pub fn percentiles(&self, id: &str) -> Option<Percentiles> {
        let histogram = self.shapes.get(id)?;
        let ms = |quantile: f64| histogram.value_at_quantile(quantile) as f64 / 1000.0;
        Some(Percentiles { p50_ms: ms(0.5), p95_ms: ms(0.95), p99_ms: ms(0.99), runs: histogram.len() })
    }
}
