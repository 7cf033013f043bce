//! A plotters drawing area in CSS pixels with quarter-pixel precision.
//!
//! Plotters' backend takes whole numbers. So it draws four times as large, and the view box scales it back.

use plotters::{
    coord::Shift,
    element::DashedPathElement,
    prelude::{
        Circle, Color, DrawingArea, IntoDrawingArea, IntoFont, PathElement, RGBAColor, Rectangle, SVGBackend, TextStyle,
    },
    style::text_anchor::{HPos, Pos, VPos},
};

use crate::ChartError;

const SCALE: f64 = 4.0;
/// Plotters divides font sizes by this on the way to SVG.
const FONT_FACTOR: f64 = 1.24;
/// The page's family, so that a chart looks like what is around it.
const FAMILY: &str = "Inter, Segoe UI, system-ui, DejaVu Sans, sans-serif";
/// Size of all text, CSS pixels.
pub(crate) const TEXT: f64 = 10.5;
/// Width of a character of this size that is rarely exceeded; fonts differ, so labels are given that much room.
const CHARACTER: f64 = 0.64 * TEXT;

/// Where text stands to its point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Align {
    Left,
    Centre,
    Right,
}

/// Room that a text takes, CSS pixels; generous.
pub(crate) fn text_width(text: &str) -> f64 {
    text.chars().count() as f64 * CHARACTER
}

/// What is drawn on.
pub(crate) struct Canvas<'a>(DrawingArea<SVGBackend<'a>, Shift>);

fn at((x, y): (f64, f64)) -> (i32, i32) {
    ((x * SCALE).round() as i32, (y * SCALE).round() as i32)
}

fn failed(e: impl std::fmt::Display) -> ChartError {
    ChartError::Drawing(e.to_string())
}

impl Canvas<'_> {
    /// A solid line through the points.
    pub(crate) fn line(&self, points: &[(f64, f64)], color: RGBAColor, width: f64) -> Result<(), ChartError> {
        let style = color.stroke_width((width * SCALE).round() as u32);
        let points: Vec<_> = points.iter().copied().map(at).collect();
        self.0.draw(&PathElement::new(points, style)).map_err(failed)
    }

    /// A dashed line between two points.
    pub(crate) fn dashes(&self, from: (f64, f64), to: (f64, f64), color: RGBAColor) -> Result<(), ChartError> {
        let (dash, gap) = ((5.0 * SCALE) as u32, (4.0 * SCALE) as u32);
        let points = vec![at(from), at(to)];
        let style = color.stroke_width(SCALE as u32);
        self.0.draw(&DashedPathElement::new(points, dash, gap, style)).map_err(failed)
    }

    /// A filled rectangle.
    pub(crate) fn fill(&self, from: (f64, f64), to: (f64, f64), color: RGBAColor) -> Result<(), ChartError> {
        self.0.draw(&Rectangle::new([at(from), at(to)], color.filled())).map_err(failed)
    }

    /// A filled dot.
    pub(crate) fn dot(&self, centre: (f64, f64), radius: f64, color: RGBAColor) -> Result<(), ChartError> {
        self.0.draw(&Circle::new(at(centre), (radius * SCALE).round() as i32, color.filled())).map_err(failed)
    }

    /// Text whose vertical middle is at the point.
    pub(crate) fn text(&self, text: &str, place: (f64, f64), align: Align, color: RGBAColor) -> Result<(), ChartError> {
        let horizontal = match align {
            Align::Left => HPos::Left,
            Align::Centre => HPos::Center,
            Align::Right => HPos::Right,
        };
        let style = TextStyle::from((FAMILY, TEXT * SCALE * FONT_FACTOR).into_font())
            .pos(Pos::new(horizontal, VPos::Center))
            .color(&color);
        self.0.draw_text(text, &style, at(place)).map_err(failed)
    }
}

/// Draws and gives the SVG, with what it shows in one sentence for those who cannot see it.
pub(crate) fn draw(
    (width, height): (u32, u32),
    sentence: &str,
    paint: impl FnOnce(&Canvas<'_>) -> Result<(), ChartError>,
) -> Result<String, ChartError> {
    let mut svg = String::new();
    {
        let size = (width * SCALE as u32, height * SCALE as u32);
        let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        let canvas = Canvas(area);
        paint(&canvas)?;
        canvas.0.present().map_err(failed)?;
    }
    let body = svg.split_once('>').map(|(_, body)| body).ok_or_else(|| failed("the backend wrote no SVG"))?;
    let (full_width, full_height) = (width * SCALE as u32, height * SCALE as u32);
    Ok(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {full_width} \
         {full_height}\" role=\"img\" aria-label=\"{}\" stroke-linejoin=\"round\" \
         style=\"font-variant-numeric:tabular-nums\">{body}",
        escaped(sentence)
    ))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
