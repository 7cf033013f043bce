//! Charts: series to SVG with plotters.
//!
//! Owns what a chart looks like, for window, board and report alike. It must never do I/O, read a clock or decide what
//! a figure means; whoever calls hands in samples, limits and the time zone.

#![warn(missing_docs)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic))]

mod axis;
mod canvas;
mod gantt;
mod lag;
mod latency;
mod load;
mod theme;

pub use gantt::{GanttInput, gantt_chart};
pub use lag::{LagChartInput, LagChartOutput, lag_chart};
pub use latency::{LatencyChartInput, latency_chart};
pub use load::{LoadChartInput, load_chart};
pub use theme::Theme;

/// Why a chart could not be drawn.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChartError {
    /// Too small to hold axes, or larger than any screen.
    #[error("a chart of {width} × {height} pixels cannot be drawn: use 200–4000 by 100–2000")]
    Size {
        /// Asked for, CSS pixels.
        width: u32,
        /// Asked for, CSS pixels.
        height: u32,
    },
    /// The range is empty or runs backwards.
    #[error("the range of time is empty: its end must be after its start")]
    Range,
    /// The backend failed.
    #[error("drawing the chart: {0}")]
    Drawing(String),
}
