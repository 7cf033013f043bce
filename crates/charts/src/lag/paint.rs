//! Puts the chart on the canvas: grid, gaps, gate, marks, line.

use plotters::style::{Color, RGBAColor};
use switchyard_model::lag::GAP_MS;

use super::{
    Frame, LagChartInput, RIGHT_MARGIN,
    marks::{self, Area},
    thin::{Run, gap_ms},
};
use crate::{
    ChartError,
    axis::{self, LagAxis},
    canvas::{Align, Canvas, TEXT, text_width},
    theme::Palette,
};

type Done = Result<(), ChartError>;

/// Least width of a gap that is labelled.
const LABELLED_GAP: f64 = 96.0;

pub(super) fn chart(c: &Canvas<'_>, f: &Frame, input: &LagChartInput<'_>, runs: &[Run], lag: &LagAxis) -> Done {
    let p = input.theme.palette();
    lag_grid(c, f, lag, &p)?;
    time_labels(c, f, input.utc_offset_minutes, &p)?;
    gaps(c, f, runs, &p)?;
    let gate = limit_line(c, f, input.limit_ms, input.marks, &p)?;
    let empty = runs.is_empty();
    mark_lines(c, f, input.marks, gate, &p)?;
    if empty {
        return c.text("no measurement yet", f.middle(), Align::Centre, p.dim.to_rgba());
    }
    line(c, f, runs, p.target.to_rgba(), 1.75)
}

pub(crate) fn lag_grid(c: &Canvas<'_>, f: &Frame, lag: &LagAxis, p: &Palette) -> Done {
    for (ms, label) in &lag.ticks {
        let y = f.y(*ms).round();
        c.line(&[(f.left, y), (f.right, y)], p.line.to_rgba(), 1.0)?;
        c.text(label, (f.left - 8.0, y), Align::Right, p.dim.to_rgba())?;
    }
    Ok(())
}

pub(crate) fn time_labels(c: &Canvas<'_>, f: &Frame, offset: i32, p: &Palette) -> Done {
    let most = ((f.right - f.left) / 84.0) as usize;
    for (at, label) in axis::time_ticks(f.from, f.to, most, offset) {
        let x = f.x(at);
        let half = text_width(&label) / 2.0;
        c.line(&[(x, f.bottom), (x, f.bottom + 3.0)], p.line.to_rgba(), 1.0)?;
        // At the edges it moves inwards rather than out of the picture.
        let inside = x.clamp(half, f.right + RIGHT_MARGIN - half);
        c.text(&label, (inside, f.bottom + 13.0), Align::Centre, p.dim.to_rgba())?;
    }
    Ok(())
}

/// Time in which nobody measured gets a faint band and, where there is room, says so. Before the first sample there was
/// nothing to measure yet.
pub(crate) fn gaps(c: &Canvas<'_>, f: &Frame, runs: &[Run], p: &Palette) -> Done {
    let mut spans: Vec<(i64, i64)> =
        runs.windows(2).filter_map(|w| Some((w[0].last()?.at, w[1].first()?.at))).collect();
    if let Some(last) = runs.last().and_then(|r| r.last()) {
        let column_ms = (f.to - f.from) as f64 / (f.right - f.left);
        let all: Vec<_> = runs.concat();
        if f.to - last.at > gap_ms(&all, column_ms).max(GAP_MS) {
            spans.push((last.at, f.to));
        }
    }
    for (from, to) in spans {
        let (left, right) = (f.x(from), f.x(to));
        c.fill((left, f.top), (right, f.bottom), p.dim.mix(0.09))?;
        if right - left >= LABELLED_GAP {
            let place = ((left + right) / 2.0, f.bottom - TEXT);
            c.text("not measured", place, Align::Centre, p.dim.to_rgba())?;
        }
    }
    Ok(())
}

/// The limit and its label; gives the area of the label.
pub(crate) fn limit_line(
    c: &Canvas<'_>,
    f: &Frame,
    limit_ms: f64,
    marks: &[(i64, String)],
    p: &Palette,
) -> Result<Option<Area>, ChartError> {
    if !limit_ms.is_finite() || limit_ms <= 0.0 {
        return Ok(None);
    }
    let y = f.y(limit_ms).round();
    c.dashes((f.left, y), (f.right, y), p.hold.mix(0.85))?;
    let label = format!("limit {}", axis::span(limit_ms));
    let width = text_width(&label);
    let at = |left: f64| Area { left, right: left + width, top: y - 16.0, bottom: y };
    // At the end where the line is read, unless a mark goes through it there; the newest marks are always at that end.
    let crossed = |a: &Area| marks.iter().map(|(at, _)| f.x(*at)).any(|x| x > a.left - 2.0 && x < a.right + 2.0);
    let (right, left) = (at(f.right - 4.0 - width), at(f.left + 4.0));
    let (area, align, x) = if crossed(&right) && !crossed(&left) {
        (left, Align::Left, left.left)
    } else {
        (right, Align::Right, right.right)
    };
    c.text(&label, (x, y - 8.0), align, p.hold.to_rgba())?;
    Ok(Some(area))
}

pub(crate) fn mark_lines(c: &Canvas<'_>, f: &Frame, all: &[(i64, String)], gate: Option<Area>, p: &Palette) -> Done {
    let mut lines: Vec<(f64, &str)> =
        all.iter().filter(|(at, _)| (f.from..=f.to).contains(at)).map(|(at, text)| (f.x(*at), text.as_str())).collect();
    lines.sort_by(|a, b| a.0.total_cmp(&b.0));
    for (x, _) in &lines {
        c.line(&[(*x, f.top), (*x, f.bottom)], p.run.mix(0.6), 1.0)?;
    }
    let plot = Area { left: f.left, right: f.right, top: f.top + 2.0, bottom: f.bottom };
    let taken: Vec<Area> = gate.into_iter().collect();
    for label in marks::place(&lines, plot, &taken) {
        c.text(&label.text, (label.x, label.y), label.align, p.run.to_rgba())?;
    }
    Ok(())
}

pub(crate) fn line(c: &Canvas<'_>, f: &Frame, runs: &[Run], color: RGBAColor, width: f64) -> Done {
    for run in runs {
        let points: Vec<(f64, f64)> = run.iter().map(|s| (f.x(s.at), f.y(s.ms.max(0.0)))).collect();
        match points.as_slice() {
            [alone] => c.dot(*alone, 1.5, color)?,
            _ => c.line(&points, color, width)?,
        }
    }
    Ok(())
}
