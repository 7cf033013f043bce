//! The lag chart: how old the newest beat was, against the gate's limit and the route changes.

mod marks;
pub(crate) mod paint;
pub(crate) mod thin;

use switchyard_model::{UnixMs, lag::LagSample};

use crate::{ChartError, Theme, axis, canvas};

/// What to draw.
#[derive(Debug, Clone)]
pub struct LagChartInput<'a> {
    /// Measurements in order of time; those outside the range are left out.
    pub samples: &'a [LagSample],
    /// Time at the left edge.
    pub from: UnixMs,
    /// Time at the right edge.
    pub to: UnixMs,
    /// The gate's limit, ms.
    pub limit_ms: f64,
    /// Route changes: when and what, for example `5 % → 10 %`.
    pub marks: &'a [(UnixMs, String)],
    /// CSS pixels, 200–4000.
    pub width: u32,
    /// CSS pixels, 100–2000.
    pub height: u32,
    /// Colours.
    pub theme: Theme,
    /// Local time minus UTC.
    pub utc_offset_minutes: i32,
}

/// What was drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct LagChartOutput {
    /// The picture, with a transparent background.
    pub svg: String,
    /// The samples that the line goes through: the lowest and the highest of each pixel column.
    pub samples: Vec<LagSample>,
    /// Left edge of the plot, CSS pixels.
    pub plot_left: f64,
    /// Right edge of the plot, CSS pixels.
    pub plot_right: f64,
}

/// Between the plot and the right edge of the picture, CSS pixels.
const RIGHT_MARGIN: f64 = 8.0;

/// Where the plot is inside the picture. The left margin is fixed, so that nothing jumps when numbers change.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Frame {
    pub(crate) left: f64,
    pub(crate) right: f64,
    top: f64,
    bottom: f64,
    from: UnixMs,
    to: UnixMs,
    pub(crate) top_ms: f64,
}

impl Frame {
    /// Where the plot of a picture of this size is.
    pub(crate) fn of((width, height): (u32, u32), from: UnixMs, to: UnixMs) -> Result<Frame, ChartError> {
        if !(200..=4000).contains(&width) || !(100..=2000).contains(&height) {
            return Err(ChartError::Size { width, height });
        }
        if to <= from {
            return Err(ChartError::Range);
        }
        Ok(Frame {
            left: 46.0,
            right: f64::from(width) - RIGHT_MARGIN,
            top: 10.0,
            bottom: f64::from(height) - 22.0,
            from,
            to,
            top_ms: 1.0,
        })
    }

    /// The middle of the plot.
    pub(crate) fn middle(&self) -> (f64, f64) {
        ((self.left + self.right) / 2.0, (self.top + self.bottom) / 2.0)
    }

    fn x(&self, at: UnixMs) -> f64 {
        self.left + (at - self.from) as f64 / (self.to - self.from) as f64 * (self.right - self.left)
    }

    fn y(&self, ms: f64) -> f64 {
        self.bottom - ms / self.top_ms * (self.bottom - self.top)
    }
}

/// Draws the lag chart.
///
/// # Errors
/// When size or range make no sense.
pub fn lag_chart(input: &LagChartInput<'_>) -> Result<LagChartOutput, ChartError> {
    let mut frame = Frame::of((input.width, input.height), input.from, input.to)?;
    let runs = thin::runs(input.samples, input.from, input.to, (frame.right - frame.left) as usize);
    let all = || runs.iter().flatten();
    let highest = all().map(|s| s.ms).fold(0.0, f64::max);
    let limit = if input.limit_ms.is_finite() { input.limit_ms.max(0.0) } else { 0.0 };
    // Air above the limit, so that its label has room and "below" can be seen to be below.
    let lag_axis = axis::lag_axis((highest * 1.08).max(limit * 1.3).max(1.0), (input.height / 70).clamp(2, 5) as usize);
    frame.top_ms = lag_axis.top_ms;
    let sentence = sentence(input, all().copied().last(), highest);
    let svg =
        canvas::draw((input.width, input.height), &sentence, |c| paint::chart(c, &frame, input, &runs, &lag_axis))?;
    let samples = all().copied().collect();
    Ok(LagChartOutput { svg, samples, plot_left: frame.left, plot_right: frame.right })
}

fn sentence(input: &LagChartInput<'_>, newest: Option<LagSample>, highest: f64) -> String {
    let time = |at| axis::clock(at, input.utc_offset_minutes, false);
    let range = format!("Replication lag from {} to {}", time(input.from), time(input.to));
    let limit = axis::span(input.limit_ms);
    match newest {
        Some(s) => format!("{range}: newest {}, worst {}, limit {limit}", axis::span(s.ms), axis::span(highest)),
        None => format!("{range}: no measurement yet, limit {limit}"),
    }
}

#[cfg(test)]
mod tests;
