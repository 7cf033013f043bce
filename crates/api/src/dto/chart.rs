//! Charts.

use serde::{Deserialize, Serialize};
use switchyard_model::{Side, UnixMs, lag::LagSample};
use ts_rs::TS;

/// Asks for the lag chart.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct LagChartRequest {
    /// The migration.
    pub migration: String,
    /// The side whose stream is drawn.
    pub from: Side,
    /// Range that ends now, minutes: 15, 60, 360 or 1440.
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

/// The lag chart, drawn by the engine.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct LagChart {
    /// The picture.
    pub svg: String,
    /// The samples behind it, thinned to pixel columns, for the read-out under the pointer.
    pub samples: Vec<LagSample>,
    /// Left and right edge of the plot area in CSS pixels, to map the pointer to a time.
    pub plot_left: f64,
    /// See `plot_left`.
    pub plot_right: f64,
    /// The limit that is drawn, ms: the gate's for the authority's stream, the canary's for the way back.
    pub limit_ms: f64,
    /// Measurements in the range; seconds in which there was none are gaps in the picture.
    pub count: u32,
    /// The worst of them, ms.
    pub worst_ms: Option<f64>,
    /// Time at the left edge.
    pub from: UnixMs,
    /// Time at the right edge.
    pub to: UnixMs,
}
