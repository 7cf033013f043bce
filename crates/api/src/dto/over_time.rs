//! Latency over time.

use serde::{Deserialize, Serialize};
use switchyard_model::{
    Side, UnixMs,
    reads::{Percentile, Timed},
};
use ts_rs::TS;

use super::ReadSpread;

/// Asks for percentiles over time, with a picture of one of them.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct LatencyChartRequest {
    /// The migration.
    pub migration: String,
    /// Reads or writes.
    pub what: Timed,
    /// Which percentile is drawn.
    pub percentile: Percentile,
    /// Range that ends now, minutes: 1–44 640.
    pub minutes: u32,
    /// Width in CSS pixels, 200–4000.
    pub width: u32,
    /// Height in CSS pixels, 100–2000.
    pub height: u32,
    /// Dark theme.
    pub dark: bool,
    /// Minutes that local time is ahead of UTC, for the labels of the time axis.
    pub utc_offset_minutes: i32,
}

/// One side's percentiles.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct SideLatency {
    /// Which.
    pub side: Side,
    /// The newest in the range; None where none was measured.
    pub newest: Option<ReadSpread>,
    /// When they were measured.
    pub at: Option<UnixMs>,
    /// The highest of each in the range.
    pub highest: Option<ReadSpread>,
    /// Why nothing is measured, a sentence; None where something was.
    pub missing: Option<String>,
}

/// Percentiles of both sides over time.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct LatencyChart {
    /// The picture.
    pub svg: String,
    /// Source and target.
    pub sides: Vec<SideLatency>,
    /// Target ÷ source of the newest percentiles; None unless both were measured.
    pub ratio: Option<ReadSpread>,
    /// Whether the target's P95 and P99 are within what the limits allow beside the source's; None unless both were measured.
    pub within: Option<bool>,
    /// The highest ratio of the drawn percentile, and when; in rolled-up times of the highest of both in a minute or an hour.
    pub worst: Option<RatioAt>,
    /// How it is measured, and what that cannot see.
    pub notes: Vec<String>,
    /// For how long the newest count, ms.
    pub counts_ms: i64,
    /// Time at the left edge.
    pub from: UnixMs,
    /// Time at the right edge.
    pub to: UnixMs,
}

/// A ratio at a time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, TS)]
pub struct RatioAt {
    /// When.
    pub at: UnixMs,
    /// Target ÷ source.
    pub ratio: f64,
}
