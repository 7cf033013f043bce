//! One percentile of both sides over time.

use plotters::style::Color;
use switchyard_model::{UnixMs, figure, lag::LagSample};

use crate::{
    ChartError, Theme, axis,
    canvas::{self, Align},
    lag::{Frame, paint, thin},
};

/// What to draw.
#[derive(Debug, Clone)]
pub struct LatencyChartInput<'a> {
    /// What is drawn, for those who cannot see it: `P99 of reads`.
    pub what: &'a str,
    /// The source's figures in order of time.
    pub source: &'a [LagSample],
    /// The target's.
    pub target: &'a [LagSample],
    /// Time at the left edge.
    pub from: UnixMs,
    /// Time at the right edge.
    pub to: UnixMs,
    /// Route changes.
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

/// Draws it; an SVG with a transparent background. The target's line is the thicker one, so that colour is not all that tells them apart.
///
/// # Errors
/// When size or range make no sense.
pub fn latency_chart(input: &LatencyChartInput<'_>) -> Result<String, ChartError> {
    let mut frame = Frame::of((input.width, input.height), input.from, input.to)?;
    let columns = (frame.right - frame.left) as usize;
    let runs = |samples| thin::runs(samples, input.from, input.to, columns);
    let (source, target) = (runs(input.source), runs(input.target));
    let highest = source.iter().chain(&target).flatten().map(|s| s.ms).fold(0.0, f64::max);
    let ms_axis = axis::lag_axis((highest * 1.15).max(0.1), (input.height / 70).clamp(2, 5) as usize);
    frame.top_ms = ms_axis.top_ms;
    let newest = |runs: &[thin::Run]| {
        runs.last().and_then(|r| r.last()).map_or_else(|| "not measured".to_owned(), |s| figure::read_ms(s.ms))
    };
    let time = |at| axis::clock(at, input.utc_offset_minutes, false);
    let sentence = format!(
        "{} from {} to {}: newest {} on the source, {} on the target",
        input.what,
        time(input.from),
        time(input.to),
        newest(&source),
        newest(&target)
    );
    let p = input.theme.palette();
    canvas::draw((input.width, input.height), &sentence, |c| {
        paint::lag_grid(c, &frame, &ms_axis, &p)?;
        paint::time_labels(c, &frame, input.utc_offset_minutes, &p)?;
        let longest = if target.is_empty() { &source } else { &target };
        paint::gaps(c, &frame, longest, &p)?;
        paint::mark_lines(c, &frame, input.marks, None, &p)?;
        if source.is_empty() && target.is_empty() {
            return c.text("no measurement in this time", frame.middle(), Align::Centre, p.dim.to_rgba());
        }
        paint::line(c, &frame, &source, p.source.to_rgba(), 1.25)?;
        paint::line(c, &frame, &target, p.target.to_rgba(), 2.25)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input<'a>(source: &'a [LagSample], target: &'a [LagSample]) -> LatencyChartInput<'a> {
        LatencyChartInput {
            what: "P99 of reads",
            source,
            target,
            from: 0,
            to: 60_000,
            marks: &[],
            width: 600,
            height: 200,
            theme: Theme::Light,
            utc_offset_minutes: 0,
        }
    }

    #[test]
    fn both_lines_are_drawn_and_told_to_those_who_cannot_see_them() {
        let side = |ms: f64| (0..12).map(|n| LagSample { at: n * 5_000, ms }).collect::<Vec<_>>();
        let (source, target) = (side(0.4), side(2.0));
        let svg = latency_chart(&input(&source, &target)).unwrap();
        assert!(svg.contains("newest 0.40 ms on the source, 2.0 ms on the target"), "{svg}");
        assert!(svg.contains("#1F5BBD") && svg.contains("#0A6D55"), "each in its colour: {svg}");
        let svg = latency_chart(&input(&source, &[])).unwrap();
        assert!(svg.contains("not measured on the target") && !svg.contains("#0A6D55"), "unknown is no line: {svg}");
        assert!(latency_chart(&input(&[], &[])).unwrap().contains("no measurement in this time"));
    }

    #[test]
    fn sizes_and_ranges_that_make_no_sense_are_refused() {
        let none = input(&[], &[]);
        assert!(latency_chart(&LatencyChartInput { width: 10, ..none.clone() }).is_err());
        assert_eq!(latency_chart(&LatencyChartInput { to: 0, ..none }), Err(ChartError::Range));
    }
}
