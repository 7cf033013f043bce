//! Where the labels of marks go: beside their line, in rows from the top, never over each other or over the edge.

use crate::canvas::{Align, text_width};

/// Height of a row of labels.
const ROW: f64 = 14.0;
/// Between a line and its label.
const GAP: f64 = 4.0;
/// How far down labels may go, as a share of the plot.
const DEEPEST: f64 = 0.6;

/// An area that is taken.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Area {
    pub(super) left: f64,
    pub(super) right: f64,
    pub(super) top: f64,
    pub(super) bottom: f64,
}

impl Area {
    fn meets(&self, other: &Area) -> bool {
        self.left < other.right && other.left < self.right && self.top < other.bottom && other.top < self.bottom
    }
}

/// A label that found its place.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Placed {
    pub(super) text: String,
    pub(super) x: f64,
    /// Vertical middle.
    pub(super) y: f64,
    pub(super) align: Align,
    pub(super) area: Area,
}

/// Lines that stand too close for a label each, and what is written beside them.
struct Cluster {
    first: f64,
    last: f64,
    text: String,
}

/// One cluster for all lines that are nearer than a label's height to their neighbour. The newest change speaks for all.
fn clusters(lines: &[(f64, &str)]) -> Vec<Cluster> {
    lines
        .chunk_by(|a, b| b.0 - a.0 < ROW)
        .filter_map(|chunk| {
            let (first, last) = (chunk.first()?, chunk.last()?);
            let text = match chunk.len() {
                1 => last.1.to_owned(),
                n => format!("{} (+{})", last.1, n - 1),
            };
            Some(Cluster { first: first.0, last: last.0, text })
        })
        .collect()
}

/// Places labels of lines at `x`, which ascend; the newest first, so that where not all fit, older ones go without.
pub(super) fn place(lines: &[(f64, &str)], plot: Area, taken: &[Area]) -> Vec<Placed> {
    let mut taken = taken.to_vec();
    let mut placed = Vec::new();
    for cluster in clusters(lines).into_iter().rev() {
        let free = spots(&cluster, plot, &taken);
        // Across another mark's line it could be taken for that one's, so only where there is no other place.
        let crosses = |a: &Area| lines.iter().any(|(x, _)| *x > a.left && *x < a.right);
        let Some((align, area)) = free.iter().find(|(_, a)| !crosses(a)).or(free.first()).copied() else { continue };
        taken.push(area);
        let x = if align == Align::Right { area.right } else { area.left };
        placed.push(Placed { text: cluster.text, x, y: area.top + ROW / 2.0, align, area });
    }
    placed.reverse();
    placed
}

/// Free places for a label, the best first: in the topmost row, right of its line.
fn spots(cluster: &Cluster, plot: Area, taken: &[Area]) -> Vec<(Align, Area)> {
    let width = text_width(&cluster.text);
    let rows = (((plot.bottom - plot.top) * DEEPEST) / ROW) as usize;
    (0..rows.max(1))
        .flat_map(|row| {
            let top = plot.top + row as f64 * ROW;
            let area = |left: f64| Area { left, right: left + width, top, bottom: top + ROW };
            [(Align::Left, area(cluster.last + GAP)), (Align::Right, area(cluster.first - GAP - width))]
        })
        .filter(|(_, a)| a.left >= plot.left && a.right <= plot.right && !taken.iter().any(|t| t.meets(a)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLOT: Area = Area { left: 40.0, right: 540.0, top: 10.0, bottom: 240.0 };

    fn check(placed: &[Placed]) {
        for (n, a) in placed.iter().enumerate() {
            assert!(a.area.left >= PLOT.left && a.area.right <= PLOT.right, "{a:?} leaves the plot");
            for b in &placed[n + 1..] {
                assert!(!a.area.meets(&b.area), "{a:?} and {b:?} lie over each other");
            }
        }
    }

    #[test]
    fn a_label_stands_right_of_its_line_and_left_of_it_at_the_edge() {
        let placed = place(&[(100.0, "1 % → 5 %"), (530.0, "5 % → 10 %")], PLOT, &[]);
        assert_eq!((placed[0].align, placed[1].align), (Align::Left, Align::Right));
        check(&placed);
    }

    #[test]
    fn a_crowd_keeps_its_distance() {
        for step in 1..60 {
            let lines: Vec<(f64, &str)> = (0..12).map(|n| (60.0 + f64::from(n * step) / 1.5, "25 % → 50 %")).collect();
            let lines: Vec<_> = lines.into_iter().filter(|l| l.0 <= PLOT.right).collect();
            let placed = place(&lines, PLOT, &[]);
            check(&placed);
            assert!(!placed.is_empty(), "the newest at least finds a place");
        }
    }

    #[test]
    fn lines_that_touch_share_a_label() {
        let placed = place(&[(100.0, "1 % → 5 %"), (108.0, "5 % → 10 %"), (300.0, "10 % → 25 %")], PLOT, &[]);
        let texts: Vec<&str> = placed.iter().map(|p| p.text.as_str()).collect();
        assert_eq!(texts, ["5 % → 10 % (+1)", "10 % → 25 %"], "the newest of them and how many it speaks for");
        assert!(placed[0].area.left > 108.0, "it stands beside the last line, on none of them");
    }

    #[test]
    fn the_gates_label_is_respected() {
        let gate = Area { left: 480.0, right: 540.0, top: 10.0, bottom: 24.0 };
        let placed = place(&[(470.0, "5 % → 10 %")], PLOT, &[gate]);
        assert!(!placed[0].area.meets(&gate), "{placed:?}");
    }
}
