//! The timeline of a plan: one bar per task where it stands now, a thin line below it where it was planned, what is done and
//! what is late.

use plotters::style::Color;
use switchyard_model::{
    UnixMs,
    plan::timeline::{Task, Timeline},
    time::{DAY_MS, date},
};

use crate::{
    ChartError, Theme,
    canvas::{self, Align, Canvas, TEXT, text_width},
    theme::Palette,
};

/// What to draw.
#[derive(Debug, Clone)]
pub struct GanttInput<'a> {
    /// The bars.
    pub timeline: &'a Timeline,
    /// Today's line.
    pub now: UnixMs,
    /// CSS pixels, 200–4000; the height follows from the number of bars.
    pub width: u32,
    /// Colours.
    pub theme: Theme,
}

/// Height of a bar with its gap, and of what is above and below all bars, CSS pixels.
const ROW: f64 = 26.0;
const BAR: f64 = 12.0;
/// The plan's line below a bar that left it: its height, and its distance from the bar.
const PLAN: f64 = 2.0;
const BELOW: f64 = 2.0;
const HEAD: f64 = 38.0;
const FOOT: f64 = 8.0;

struct Frame {
    left: f64,
    right: f64,
    bottom: f64,
    from: UnixMs,
    to: UnixMs,
}

impl Frame {
    fn x(&self, at: UnixMs) -> f64 {
        let share = (at - self.from) as f64 / (self.to - self.from).max(1) as f64;
        self.left + share.clamp(0.0, 1.0) * (self.right - self.left)
    }
}

/// Draws the bars.
///
/// # Errors
/// When the size makes no sense, or there is no task.
pub fn gantt_chart(input: &GanttInput<'_>) -> Result<String, ChartError> {
    let tasks = &input.timeline.tasks;
    let height = (HEAD + FOOT + ROW * tasks.len() as f64).ceil() as u32;
    if !(200..=4000).contains(&input.width) || height > 4000 {
        return Err(ChartError::Size { width: input.width, height });
    }
    let from = tasks.iter().map(|t| t.start.min(t.begins)).min().unwrap_or(0);
    let to = tasks.iter().map(|t| t.end.max(t.ends)).max().unwrap_or(0);
    if tasks.is_empty() || to <= from {
        return Err(ChartError::Range);
    }
    let widest = tasks.iter().map(|t| text_width(&t.title)).fold(0.0, f64::max);
    let left = (widest + 16.0).min(f64::from(input.width) * 0.45);
    // Beside each bar stands what it is, and the last bar ends at the right.
    let words = tasks.iter().map(|t| text_width(&said(t))).fold(0.0, f64::max);
    let right = (f64::from(input.width) - words - 10.0).max(left + 50.0);
    let frame = Frame { left, right, bottom: f64::from(height) - FOOT, from, to };
    let label = format!("Timeline: {} tasks from {} to {}", tasks.len(), date(from), date(to));
    canvas::draw((input.width, height), &label, |c| {
        let p = input.theme.palette();
        weeks(c, &frame, &p)?;
        for (i, task) in tasks.iter().enumerate() {
            bar(c, &frame, task, HEAD + ROW * i as f64 + ROW / 2.0, &p)?;
        }
        today(c, &frame, input.now, &p)
    })
}

/// A line and a date as often as there is room for.
fn weeks(c: &Canvas<'_>, f: &Frame, p: &Palette) -> Result<(), ChartError> {
    let days = ((f.to - f.from) as f64 / DAY_MS as f64).max(1.0);
    let room = ((f.right - f.left) / (text_width("2026-11-24") + 14.0)).max(1.0);
    let step = [1, 2, 7, 14, 28, 56, 112, 364].into_iter().find(|s| days / *s as f64 <= room).unwrap_or(728);
    let mut at = f.from;
    while at <= f.to {
        let x = f.x(at).round();
        c.line(&[(x, HEAD - 6.0), (x, f.bottom)], p.line.to_rgba(), 1.0)?;
        // The last date would leave the picture.
        if x + text_width("2026-11-24") <= f.right + 12.0 {
            c.text(&date(at), (x, HEAD - 14.0), Align::Left, p.dim.to_rgba())?;
        }
        at += step * DAY_MS;
    }
    Ok(())
}

fn bar(c: &Canvas<'_>, f: &Frame, task: &Task, y: f64, p: &Palette) -> Result<(), ChartError> {
    c.text(&shortened(&task.title, f.left - 16.0), (f.left - 8.0, y), Align::Right, p.dim.to_rgba())?;
    let (top, bottom) = (y - BAR / 2.0, y + BAR / 2.0);
    let begins = f.x(task.begins);
    let ends = f.x(task.ends).max(begins + 2.0);
    let color = if task.done.is_some() { p.target.to_rgba() } else { p.run.mix(0.8) };
    c.fill((begins, top), (ends, bottom), color)?;
    if task.slips_days > 0.0 {
        let late = f.x(task.end.max(task.begins));
        c.fill((late, top + 3.0), (ends, bottom - 3.0), p.hold.to_rgba())?;
    }
    let planned = (f.x(task.start), f.x(task.end).max(f.x(task.start) + 2.0));
    if (task.start, task.end) != (task.begins, task.ends) {
        c.fill((planned.0, bottom + BELOW), (planned.1, bottom + BELOW + PLAN), p.dim.mix(0.7))?;
    }
    c.text(&said(task), (ends + 6.0, y), Align::Left, p.dim.to_rgba())
}

/// Colour says nothing that words do not.
fn said(task: &Task) -> String {
    match (&task.done, task.slips_days > 0.0) {
        (Some(at), false) => format!("done {}", date(*at)),
        (Some(_), true) => format!("done, {:.1} d late", task.slips_days),
        (None, true) => format!("{} d, {:.1} d late", task.days, task.slips_days),
        (None, false) => format!("{} d", task.days),
    }
}

fn today(c: &Canvas<'_>, f: &Frame, now: UnixMs, p: &Palette) -> Result<(), ChartError> {
    if now < f.from || now > f.to {
        return Ok(());
    }
    let x = f.x(now).round();
    c.dashes((x, HEAD - 6.0), (x, f.bottom), p.hold.to_rgba())?;
    c.text("today", (x, TEXT / 2.0 + 1.0), Align::Centre, p.hold.to_rgba())
}

fn shortened(text: &str, room: f64) -> String {
    if text_width(text) <= room {
        return text.to_owned();
    }
    let mut out = String::new();
    for c in text.chars() {
        out.push(c);
        if text_width(&out) + text_width("…") > room {
            out.pop();
            break;
        }
    }
    out.push('…');
    out
}

#[cfg(test)]
mod tests {
    use switchyard_model::{
        limits::Limits,
        migration::Strategy,
        plan::{
            Measured,
            timeline::{Changes, Given, timeline},
        },
    };

    use super::*;

    fn drawn(width: u32, now: UnixMs) -> Result<String, ChartError> {
        let mut changes = Changes::default();
        changes.done.insert("discovery".into(), 20 * DAY_MS);
        let (measured, limits) = (Measured { tables: 300, ..Measured::default() }, Limits::normal());
        let given = Given {
            measured: &measured,
            strategy: Strategy::Live,
            limits: &limits,
            team: 2,
            start: 0,
            changes: &changes,
            reached: &std::collections::BTreeMap::new(),
            now,
        };
        gantt_chart(&GanttInput { timeline: &timeline(given), now, width, theme: Theme::Dark })
    }

    #[test]
    fn every_task_is_named_and_what_is_late_says_so() {
        let svg = drawn(1000, 21 * DAY_MS).unwrap();
        for text in ["Discovery and schema analysis", "Cleanup", "done, 6.0 d late", "today", "1970-01-01"] {
            assert!(svg.contains(text), "{text} is not in the picture");
        }
    }

    #[test]
    fn words_beside_bars_never_stand_where_the_titles_are() {
        for width in [400, 800, 1600] {
            let svg = drawn(width, 21 * DAY_MS).unwrap();
            let titles = svg.matches("text-anchor=\"end\"").count();
            assert_eq!(titles, 9, "only the nine titles end at a place, {width} pixels wide");
        }
    }

    #[test]
    fn a_picture_without_room_is_refused() {
        assert!(matches!(drawn(100, 0), Err(ChartError::Size { .. })));
    }
}
