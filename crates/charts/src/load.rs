//! P99 of each second of a load, against its limit and the rates it climbed through.

use plotters::style::Color;
use switchyard_model::{UnixMs, figure, lag::LagSample};

use crate::{
    ChartError, Theme, axis,
    canvas::{self, Align},
    lag::{Frame, paint, thin},
};

/// Where the plot begins, CSS pixels.
const LEFT: f64 = 54.0;

/// What to draw.
#[derive(Debug, Clone)]
pub struct LoadChartInput<'a> {
    /// P99 of each second, in order of time; seconds without one are gaps.
    pub seconds: &'a [LagSample],
    /// Time at the left edge.
    pub from: UnixMs,
    /// Time at the right edge.
    pub to: UnixMs,
    /// At which P99 it stops, ms.
    pub limit_ms: Option<f64>,
    /// When a rate began, and which.
    pub rates: &'a [(UnixMs, String)],
    /// CSS pixels, 200–4000.
    pub width: u32,
    /// CSS pixels, 100–2000.
    pub height: u32,
    /// Colours.
    pub theme: Theme,
    /// Local time minus UTC.
    pub utc_offset_minutes: i32,
}

/// Draws it; an SVG with a transparent background.
///
/// # Errors
/// When size or range make no sense.
pub fn load_chart(input: &LoadChartInput<'_>) -> Result<String, ChartError> {
    let mut frame = Frame::of((input.width, input.height), input.from, input.to)?;
    // Three digits and "ms" are wider than what seconds of lag need.
    frame.left = LEFT;
    let runs = thin::runs(input.seconds, input.from, input.to, (frame.right - frame.left) as usize);
    let highest = runs.iter().flatten().map(|s| s.ms).fold(0.0, f64::max);
    let limit_ms = input.limit_ms.filter(|ms| ms.is_finite()).unwrap_or(0.0);
    // A limit far above what was measured would press that to the ground.
    let shown_limit_ms = if limit_ms < highest * 5.0 || runs.is_empty() { limit_ms } else { 0.0 };
    let top_ms = (highest * 1.15).max(shown_limit_ms * 1.3).max(0.1);
    let ms_axis = axis::lag_axis(top_ms, (input.height / 70).clamp(2, 5) as usize);
    frame.top_ms = ms_axis.top_ms;
    let newest = runs.last().and_then(|r| r.last());
    let sentence = match newest {
        Some(s) => format!(
            "P99 of each second of the load: newest {}, highest {}",
            figure::read_ms(s.ms),
            figure::read_ms(highest)
        ),
        None => "P99 of each second of the load: no second had enough transactions for one".to_owned(),
    };
    let p = input.theme.palette();
    canvas::draw((input.width, input.height), &sentence, |c| {
        paint::lag_grid(c, &frame, &ms_axis, &p)?;
        paint::time_labels(c, &frame, input.utc_offset_minutes, &p)?;
        let taken = paint::limit_line(c, &frame, shown_limit_ms, input.rates, &p)?;
        paint::mark_lines(c, &frame, input.rates, taken, &p)?;
        if runs.is_empty() {
            return c.text(
                "no second had 50 transactions: no P99 of a second",
                frame.middle(),
                Align::Centre,
                p.dim.to_rgba(),
            );
        }
        paint::line(c, &frame, &runs, p.target.to_rgba(), 1.75)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input<'a>(seconds: &'a [LagSample], rates: &'a [(UnixMs, String)]) -> LoadChartInput<'a> {
        LoadChartInput {
            seconds,
            from: 0,
            to: 30_000,
            limit_ms: Some(50.0),
            rates,
            width: 600,
            height: 140,
            theme: Theme::Light,
            utc_offset_minutes: 0,
        }
    }

    #[test]
    fn a_limit_is_drawn_where_it_is_near_and_rates_have_names() {
        let seconds = |ms: f64| (1..20).map(|n| LagSample { at: n * 1_000, ms }).collect::<Vec<_>>();
        let rates = [(0, "100 /s".to_owned()), (10_000, "200 /s".to_owned())];
        let near = load_chart(&input(&seconds(20.0), &rates)).unwrap();
        assert!(near.contains("limit 50 ms") && near.contains("200 /s"), "{near}");
        assert!(near.contains("newest 20.0 ms, highest 20.0 ms"), "for those who cannot see it: {near}");
        let far = load_chart(&input(&seconds(0.4), &[])).unwrap();
        assert!(!far.contains("limit 50 ms"), "a line that lies on the ground says nothing: {far}");
        assert!(load_chart(&input(&[], &[])).unwrap().contains("no second had 50"), "nothing measured is said");
    }
}
