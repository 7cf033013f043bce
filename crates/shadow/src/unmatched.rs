//! Rows of one side that the other has not shown yet: a bounded number of them.

use std::collections::HashMap;

use crate::Row;

/// Rows that may wait to be matched; with more, only sums tell whether both sides have the same.
const MOST: usize = 1_000;

#[derive(Debug, Default)]
pub(crate) struct Unmatched {
    rows: HashMap<u128, Waiting>,
    /// How many rows came, so that they are shown in their order.
    came: u64,
    pub(crate) overflowed: bool,
}

#[derive(Debug)]
struct Waiting {
    /// Above 0: so many more on the source; below, on the target.
    more: i64,
    came: u64,
    shown: Vec<Option<String>>,
}

impl Unmatched {
    /// A row of the source (+1) or of the target (-1).
    pub(crate) fn add(&mut self, hash: u128, row: &Row, by: i64) {
        if self.overflowed {
            return;
        }
        self.came += 1;
        let came = self.came;
        let waiting = self.rows.entry(hash).or_insert_with(|| Waiting { more: 0, came, shown: row.shown() });
        waiting.more += by;
        if waiting.more == 0 {
            self.rows.remove(&hash);
        }
        self.overflowed = self.rows.len() > MOST;
    }

    /// Those of the source and those of the target, in the order in which they came.
    pub(crate) fn only(self) -> [Vec<Vec<Option<String>>>; 2] {
        let mut rows: Vec<Waiting> = self.rows.into_values().collect();
        rows.sort_unstable_by_key(|w| w.came);
        let side = |sign: i64| rows.iter().filter(|w| w.more.signum() == sign).map(|w| w.shown.clone()).collect();
        [side(1), side(-1)]
    }
}
