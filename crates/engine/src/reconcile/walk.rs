//! Dividing a table into slices, so that each takes about [`AIM`] and none is cut off.
//!
//! Pure but for [`Walk::next`], which may ask where a slice of a wanted number of rows ends. A walk always covers the
//! whole: each slice begins where the one before it ended, and the last has no end.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use switchyard_model::reconcile::Key;

use super::buckets::{BUCKET_ROWS, mask};
use crate::{
    db::rows::{Division, Relation, RowReader, Slice},
    error::Result,
};

/// How long one slice is meant to take, for short transactions and even progress.
pub const AIM: Duration = Duration::from_millis(500);

/// Rows of the first slice, where they are not wide.
const FIRST_ROWS: i64 = 50_000;

/// Bytes that the first slice may hold.
const FIRST_BYTES: i64 = 64 << 20;

/// No slice holds more rows, so that a difference in one is cheap to narrow.
const MOST_ROWS: i64 = 1_000_000;

/// How a table is walked through.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Walk {
    /// In one slice: it is small.
    Whole,
    /// Ranges of an integer key, computed.
    Integers {
        /// Whether a slice was read; the first has no lower bound.
        begun: bool,
        /// End of the last slice; before the first, one below the smallest key.
        at: i128,
        /// Largest key seen at the start.
        high: i128,
        /// Keys per row: 1 where there are no gaps.
        spread: f64,
    },
    /// Ranges of any other key, looked up.
    Keys {
        /// End of the last slice; None before the first.
        after: Option<Key>,
    },
    /// Ranges of heap pages.
    Pages {
        /// First page of the next slice.
        from: i64,
        /// Pages at the start.
        pages: i64,
        /// Rows per page.
        density: f64,
    },
}

/// A walk with the size of its next slice.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Walker {
    walk: Walk,
    rows: i64,
    done: bool,
}

impl Walker {
    /// Begins.
    pub fn new(walk: Walk, rows: i64, bytes: i64) -> Walker {
        let width = (bytes / rows.max(1)).max(1);
        Walker { walk, rows: (FIRST_BYTES / width).clamp(1, FIRST_ROWS), done: false }
    }

    /// Whether slices are disjoint sets of keys on both sides, so that each can be compared alone.
    pub fn compares_slices(&self) -> bool {
        match self.walk {
            Walk::Whole | Walk::Integers { .. } | Walk::Keys { .. } => true,
            Walk::Pages { .. } => false,
        }
    }

    /// Whether all was walked.
    pub fn is_done(&self) -> bool {
        self.done
    }

    /// How the next slice is best divided.
    pub fn division(&self) -> Division {
        match &self.walk {
            Walk::Integers { spread, .. } => {
                let keys = (BUCKET_ROWS as f64 * spread).clamp(1.0, (1_u64 << 62) as f64);
                Division::Span { shift: keys.log2() as u32 }
            }
            Walk::Whole | Walk::Keys { .. } | Walk::Pages { .. } => Division::Hash { mask: mask(self.rows) },
        }
    }

    /// The next slice; None when all was walked. The same again until [`Walker::advance`].
    pub async fn next(&self, reader: &mut dyn RowReader, relation: &Relation) -> Result<Option<Slice>> {
        if self.done {
            return Ok(None);
        }
        Ok(Some(match &self.walk {
            Walk::Whole => Slice::Whole,
            Walk::Integers { begun, at, high, spread } => {
                let text = |n: i128| Key(vec![n.to_string()]);
                let upto = at + ((self.rows as f64 * spread) as i128).max(1);
                Slice::Keys { after: begun.then(|| text(*at)), upto: Some(upto).filter(|upto| upto < high).map(text) }
            }
            Walk::Keys { after } => {
                let upto = reader.boundary(relation, after.as_ref(), self.rows).await?;
                Slice::Keys { after: after.clone(), upto }
            }
            Walk::Pages { from, pages, density } => {
                let step = ((self.rows as f64 / density.max(0.001)) as i64).max(1);
                // Rows that came since are behind the pages that there were: in a slice of their own.
                Slice::Pages { from: *from, to: Some((from + step).min(*pages)).filter(|to| to > from) }
            }
        }))
    }

    /// The slice was read: goes on behind it, with the next one larger or smaller.
    pub fn advance(&mut self, slice: &Slice, rows: i64, took: Duration) {
        match (&mut self.walk, slice) {
            (Walk::Integers { begun, at, spread, .. }, Slice::Keys { upto: Some(Key(upto)), .. }) => {
                match upto.first().and_then(|t| t.parse::<i128>().ok()) {
                    Some(end) => {
                        // Towards what this slice held, and never by more than the factor ten at once.
                        let held = (end - *at) as f64 / rows.max(1) as f64;
                        *spread = held.clamp(*spread / 10.0, *spread * 10.0).max(1.0);
                        (*begun, *at) = (true, end);
                    }
                    None => self.done = true,
                }
            }
            (Walk::Keys { after }, Slice::Keys { upto: Some(upto), .. }) => *after = Some(upto.clone()),
            (Walk::Pages { from, density, .. }, Slice::Pages { from: begin, to: Some(to) }) => {
                *density = (rows as f64 / (to - begin).max(1) as f64).max(0.001);
                *from = *to;
            }
            (Walk::Whole | Walk::Integers { .. } | Walk::Keys { .. } | Walk::Pages { .. }, _) => self.done = true,
        }
        let factor = (AIM.as_secs_f64() / took.as_secs_f64().max(0.001)).clamp(0.25, 4.0);
        self.rows = ((self.rows as f64 * factor) as i64).clamp(1, MOST_ROWS);
    }

    /// The slice was too large; says whether a smaller one can be tried.
    pub fn shrink(&mut self) -> bool {
        match self.walk {
            Walk::Whole => false,
            Walk::Integers { .. } | Walk::Keys { .. } | Walk::Pages { .. } => {
                let smaller = self.rows > 1;
                self.rows = (self.rows / 8).max(1);
                smaller
            }
        }
    }
}

/// A slice of pages in several; itself where it cannot be divided.
pub(super) fn parts(slice: Slice, several: i64) -> Vec<Slice> {
    match slice {
        Slice::Pages { from, to: Some(to) } if several > 1 && to - from > 1 => {
            let several = several.min(to - from);
            let bound = |i: i64| from + (to - from) * i / several;
            (0..several).map(|i| Slice::Pages { from: bound(i), to: Some(bound(i + 1)) }).collect()
        }
        // What is behind the last known page is little.
        Slice::Whole | Slice::Keys { .. } | Slice::Pages { .. } => vec![slice],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pages(from: i64, to: i64) -> Slice {
        Slice::Pages { from, to: Some(to) }
    }

    #[test]
    fn parts_of_a_slice_hold_each_of_its_pages_once() {
        assert_eq!(parts(pages(3, 10), 3), [pages(3, 5), pages(5, 7), pages(7, 10)]);
        assert_eq!(parts(pages(3, 5), 9), [pages(3, 4), pages(4, 5)], "a page is not divided");
        assert_eq!(parts(pages(3, 4), 2), [pages(3, 4)], "so it stays as it is");
        let open = Slice::Pages { from: 3, to: None };
        assert_eq!(parts(open.clone(), 2), [open], "one without an end keeps having none");
    }
}
