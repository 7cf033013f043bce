//! What reads cost on each side and how many of them fail, as probes and counters show it.
//!
//! A probe is a short read that is made on both sides at the same time. Its figures are percentiles of a window, taken from
//! the window itself: percentiles are never averaged. Which figures are too high is decided here, for the gates and for
//! whoever tracks since when they have held.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{Side, UnixMs, limits::Limits};

/// Length of the window that latency and errors are judged in, ms.
pub const WINDOW_MS: i64 = 60_000;

/// Age beyond which neither counts, ms; reads are probed each second, counters read every two.
pub const COUNTS_MS: i64 = 10_000;

/// Probes of each side per round, once a second.
pub const PER_ROUND: u32 = 8;

/// What a window is sure to hold, with rounds that came late: no limit may ask for more samples.
pub const MOST_SAMPLES: u32 = 400;

/// What is timed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Timed {
    /// Short reads by key, on both sides.
    Reads,
    /// Commits of beats, on the side with the authority.
    Writes,
}

/// Which percentile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Percentile {
    /// The median.
    P50,
    /// The 95th.
    P95,
    /// The 99th.
    P99,
}

impl Percentile {
    /// All of them.
    pub const ALL: [Percentile; 3] = [Percentile::P50, Percentile::P95, Percentile::P99];

    /// `P99`.
    pub fn word(self) -> &'static str {
        match self {
            Percentile::P50 => "P50",
            Percentile::P95 => "P95",
            Percentile::P99 => "P99",
        }
    }
}

/// Times of probes on one side in the window.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// Probes in it.
    pub samples: u64,
    /// Median, ms.
    pub p50_ms: f64,
    /// 95th percentile, ms.
    pub p95_ms: f64,
    /// 99th percentile, ms.
    pub p99_ms: f64,
}

/// What reads cost on both sides.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct LatencyFacts {
    /// When both sides were last probed.
    pub at: UnixMs,
    /// On the source.
    pub source: Spread,
    /// On the target.
    pub target: Spread,
    /// The table whose reads are slowest on the target, beside the source; None while nothing tells them apart.
    pub slowest: Option<SlowTable>,
    /// Tables that are probed.
    pub probed: usize,
    /// Tables that cannot be, a sentence each.
    pub skipped: Vec<String>,
    /// Since when the figures have been within the limits without a break, as of `at`.
    pub within_since: Option<UnixMs>,
}

/// One table's reads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SlowTable {
    /// `public.orders`.
    pub table: String,
    /// 99th percentile on the source, ms.
    pub source_ms: f64,
    /// 99th percentile on the target, ms.
    pub target_ms: f64,
}

/// A percentile of the target that is above what the source's allows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TooSlow {
    /// `p99`.
    pub which: &'static str,
    /// On the source, ms.
    pub source_ms: f64,
    /// On the target, ms.
    pub target_ms: f64,
}

impl Spread {
    /// One of its percentiles, ms.
    pub fn at(&self, percentile: Percentile) -> f64 {
        match percentile {
            Percentile::P50 => self.p50_ms,
            Percentile::P95 => self.p95_ms,
            Percentile::P99 => self.p99_ms,
        }
    }
}

impl LatencyFacts {
    /// Samples on the side that has fewer of them.
    pub fn samples(&self) -> u64 {
        self.source.samples.min(self.target.samples)
    }

    /// Whether there are enough on both sides to say anything.
    pub fn suffices(&self, limits: &Limits) -> bool {
        self.samples() >= u64::from(limits.latency_min_samples)
    }

    /// The percentile that is too high: the 99th before the 95th, which may be the one that a few slow reads did not move.
    pub fn too_slow(&self, limits: &Limits) -> Option<TooSlow> {
        let p99 = TooSlow { which: "p99", source_ms: self.source.p99_ms, target_ms: self.target.p99_ms };
        let p95 = TooSlow { which: "p95", source_ms: self.source.p95_ms, target_ms: self.target.p95_ms };
        [p99, p95].into_iter().find(|p| p.target_ms > allowed_ms(limits, p.source_ms))
    }

    /// Whether the figures are proven to be within the limits.
    pub fn is_within(&self, limits: &Limits) -> bool {
        self.suffices(limits) && self.too_slow(limits).is_none()
    }
}

/// What the target may take where the source takes so long, ms. Below the floor nobody notices a difference, and noise is
/// larger than what it would be compared with.
pub fn allowed_ms(limits: &Limits, source_ms: f64) -> f64 {
    (source_ms * f64::from(limits.latency_ratio_percent) / 100.0).max(f64::from(limits.latency_floor_ms))
}

/// What failed in the window, by everyone who counts.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ErrorFacts {
    /// When the counters were read.
    pub at: UnixMs,
    /// Who counts, probes first.
    pub places: Vec<Place>,
    /// Who counts nothing, or did not answer, a sentence each.
    pub blind: Vec<String>,
    /// Statements of which every run failed on the target, and that do not fail so on the source.
    #[serde(default)]
    pub always: Vec<FailsAlways>,
}

/// A statement that never goes well on the target, however few of all requests it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailsAlways {
    /// Without its values, shortened.
    pub statement: String,
    /// The first table that it names; empty for none.
    pub table: String,
    /// `application_name`s that sent it.
    pub applications: Vec<String>,
    /// `42883, syntax or access`.
    pub error: String,
    /// How often it failed.
    pub times: u64,
    /// Within how long, ms.
    pub over_ms: i64,
    /// Whether the source was asked as well: it does not fail there.
    pub source_known: bool,
}

/// One that counts requests and errors.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Place {
    /// `probe reads`, `transactions`, `HAProxy lb:9999`.
    pub what: String,
    /// What it counts.
    pub kind: PlaceKind,
    /// On the source.
    pub source: Counted,
    /// On the target.
    pub target: Counted,
    /// What the target's errors were: `2 deadlocks, 1 session ended by a fatal error`; empty without any.
    pub detail: String,
    /// The target is down by its word.
    pub target_down: bool,
}

/// What a place counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlaceKind {
    /// Our own reads: always there, with or without an application.
    Probes,
    /// Transactions, by the servers' own statistics.
    Server,
    /// Connections, by a router.
    Router,
    /// Statements that read, by the servers' logs and statistics.
    Reads,
    /// Statements that write, by the same.
    Writes,
}

/// Requests, and those of them that failed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    /// All of them.
    pub requests: u64,
    /// Those that failed.
    pub errors: u64,
}

impl Place {
    /// Counts of one side.
    pub fn on(&self, side: Side) -> Counted {
        match side {
            Side::Source => self.source,
            Side::Target => self.target,
        }
    }

    /// Whether more fails on the target than its limit, on top of what fails on the source, allows. Few requests are judged
    /// as if they were the least that says anything, and one error alone says nothing about a rate.
    pub fn is_above(&self, limits: &Limits) -> bool {
        let rate = self.source.rate() + self.limit(limits);
        let requests = self.target.requests.max(u64::from(limits.errors_min_samples));
        self.target.errors > 1 && self.target.errors as f64 > rate * requests as f64
    }

    /// The limit on its errors per request: a kind has its own.
    pub fn limit(&self, limits: &Limits) -> f64 {
        let per_million = match self.kind {
            PlaceKind::Probes | PlaceKind::Server | PlaceKind::Router | PlaceKind::Reads => limits.errors_per_million,
            PlaceKind::Writes => limits.errors_writes_per_million,
        };
        f64::from(per_million) / 1_000_000.0
    }
}

impl Counted {
    /// Errors per request; 0 without requests.
    pub fn rate(&self) -> f64 {
        if self.requests == 0 { 0.0 } else { self.errors as f64 / self.requests as f64 }
    }
}
