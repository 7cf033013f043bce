//! What a run measured. Percentiles come from one histogram and are never averaged.

use std::{collections::BTreeMap, time::Duration};

use hdrhistogram::Histogram;
use serde::Serialize;

/// The longest time that is told apart, µs: an hour.
const LONGEST_US: u64 = 3_600_000_000;
/// Figures that count.
const DIGITS: u8 = 3;

/// Times of one kind.
#[derive(Debug, Clone)]
pub(crate) struct Times(Histogram<u64>);

impl Times {
    /// # Errors
    /// When the library refuses the bounds, which are constants.
    pub(crate) fn new() -> Result<Times, String> {
        let times = Histogram::new_with_bounds(1, LONGEST_US, DIGITS);
        times.map(Times).map_err(|e| format!("A histogram of times cannot be made: {e}."))
    }

    pub(crate) fn record(&mut self, time: Duration) {
        let us = u64::try_from(time.as_micros()).unwrap_or(LONGEST_US);
        self.0.saturating_record(us.max(1));
    }

    pub(crate) fn count(&self) -> u64 {
        self.0.len()
    }

    pub(crate) fn clear(&mut self) {
        self.0.reset();
    }

    pub(crate) fn spread(&self) -> Option<Spread> {
        let ms = |us: u64| us as f64 / 1000.0;
        let at = |percent: f64| ms(self.0.value_at_quantile(percent / 100.0));
        (!self.0.is_empty()).then(|| Spread {
            p50_ms: at(50.0),
            p95_ms: at(95.0),
            p99_ms: at(99.0),
            max_ms: ms(self.0.max()),
        })
    }
}

/// How times spread, ms.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread {
    /// Half are shorter.
    pub p50_ms: f64,
    /// 95 of a hundred are shorter.
    pub p95_ms: f64,
    /// 99 of a hundred are shorter.
    pub p99_ms: f64,
    /// The longest.
    pub max_ms: f64,
}

/// What came of a run at one rate.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figures {
    /// Transactions that should begin each second.
    pub asked_per_second: f64,
    /// Those that ended each second.
    pub reached_per_second: f64,
    /// How long it ran, s.
    pub seconds: f64,
    /// Transactions that ended well.
    pub transactions: u64,
    /// Statements that ended well.
    pub statements: u64,
    /// Transactions that failed.
    pub failed: u64,
    /// Failures by SQLSTATE or "connection", with one sentence each.
    pub errors: BTreeMap<String, Counted>,
    /// From the intended start to the end.
    pub latency: Option<Spread>,
    /// From the real start to the end: what a generator sees that waits for answers.
    pub service: Option<Spread>,
    /// From the intended start to the real one: of transactions that waited for a session as well.
    pub late: Option<Spread>,
    /// The same where a session was free: this program's own error.
    pub timing: Option<Spread>,
    /// Transactions that should have begun and had not when it ended.
    pub left_waiting: u64,
    /// Why it ended before its time.
    pub stopped: Option<String>,
}

/// Failures of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Counted {
    /// How many.
    pub times: u64,
    /// The newest in words.
    pub newest: String,
}
