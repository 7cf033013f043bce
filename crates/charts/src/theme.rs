//! Colours of the two themes, the same as the page's design tokens.

use plotters::style::RGBColor;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Which theme to draw for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Theme {
    /// Light text on a dark panel.
    Dark,
    /// Dark text on a light panel.
    Light,
}

/// What each thing is drawn in.
pub(crate) struct Palette {
    /// Grid lines.
    pub(crate) line: RGBColor,
    /// Axis labels.
    pub(crate) dim: RGBColor,
    /// What is the source's.
    pub(crate) source: RGBColor,
    /// Lag, and what is the target's.
    pub(crate) target: RGBColor,
    /// The gate's limit and its label.
    pub(crate) hold: RGBColor,
    /// Route changes.
    pub(crate) run: RGBColor,
}

impl Theme {
    pub(crate) fn palette(self) -> Palette {
        match self {
            Theme::Dark => Palette {
                line: RGBColor(0x26, 0x2d, 0x37),
                dim: RGBColor(0x9a, 0xa5, 0xb4),
                source: RGBColor(0x6e, 0xa8, 0xff),
                target: RGBColor(0x45, 0xc8, 0xa5),
                hold: RGBColor(0xf0, 0xb3, 0x4c),
                run: RGBColor(0xa9, 0x97, 0xff),
            },
            Theme::Light => Palette {
                line: RGBColor(0xe3, 0xe6, 0xeb),
                dim: RGBColor(0x54, 0x5e, 0x6c),
                source: RGBColor(0x1f, 0x5b, 0xbd),
                target: RGBColor(0x0a, 0x6d, 0x55),
                hold: RGBColor(0x85, 0x50, 0x00),
                run: RGBColor(0x5d, 0x41, 0xcc),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn luminance(c: RGBColor) -> f64 {
        let part = |v: u8| {
            let v = f64::from(v) / 255.0;
            if v <= 0.040_45 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * part(c.0) + 0.7152 * part(c.1) + 0.0722 * part(c.2)
    }

    fn contrast(a: RGBColor, b: RGBColor) -> f64 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn colours_are_those_of_the_page() {
        let tokens = include_str!("../../../ui/src/styles/tokens.css");
        for (theme, block) in [(Theme::Light, ":root {"), (Theme::Dark, ":root[data-theme=\"dark\"] {")] {
            let block = tokens.split_once(block).unwrap().1.split_once('}').unwrap().0;
            let p = theme.palette();
            let lines = [("source", p.source), ("target", p.target), ("run", p.run)];
            let named = [("line", p.line), ("dim", p.dim), ("hold", p.hold)].into_iter().chain(lines);
            for (name, RGBColor(r, g, b)) in named {
                let token = format!("--{name}: #{r:02x}{g:02x}{b:02x};");
                assert!(block.contains(&token), "{theme:?}: the page has no {token}");
            }
        }
    }

    #[test]
    fn text_meets_aa_on_the_panel_and_lines_can_be_told_from_it() {
        for (theme, panel) in [(Theme::Dark, RGBColor(0x16, 0x1b, 0x22)), (Theme::Light, RGBColor(255, 255, 255))] {
            let p = theme.palette();
            for text in [p.dim, p.hold, p.run] {
                assert!(contrast(text, panel) >= 4.5, "{theme:?}: {text:?} is {:.2} : 1", contrast(text, panel));
            }
            for line in [p.source, p.target, p.hold, p.run] {
                assert!(contrast(line, panel) >= 3.0, "{theme:?}: {line:?} is {:.2} : 1", contrast(line, panel));
            }
        }
    }
}
