//! What became of the canary's writes.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// The canary's writes by their numbers, compared with what is in the ledger of the side with the authority.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct LedgerCheck {
    /// Writes that were acknowledged.
    pub acknowledged: usize,
    /// Writes whose answer did not come: they may be there or not.
    pub uncertain: usize,
    /// Acknowledged, and not there: the first hundred.
    pub lost: Vec<i64>,
    /// There more than once: the first hundred.
    pub duplicated: Vec<i64>,
}

/// How many numbers are named.
const NAMED: usize = 100;

impl LedgerCheck {
    /// Compares acknowledged numbers with how often each is there.
    pub fn of(acknowledged: &BTreeSet<i64>, uncertain: usize, there: &BTreeMap<i64, i64>) -> LedgerCheck {
        let lost = acknowledged.iter().filter(|n| !there.contains_key(n)).copied();
        let duplicated = there.iter().filter(|(_, times)| **times > 1).map(|(n, _)| *n);
        LedgerCheck {
            acknowledged: acknowledged.len(),
            uncertain,
            lost: lost.take(NAMED).collect(),
            duplicated: duplicated.take(NAMED).collect(),
        }
    }

    /// Whether every acknowledged write is there, once.
    pub fn is_clean(&self) -> bool {
        self.lost.is_empty() && self.duplicated.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lost_and_doubled_writes_are_named() {
        let acknowledged = BTreeSet::from([1, 2, 3, 5]);
        let there = BTreeMap::from([(1, 1), (2, 2), (4, 1), (5, 1)]);
        let check = LedgerCheck::of(&acknowledged, 1, &there);
        assert_eq!((check.lost.as_slice(), check.duplicated.as_slice()), (&[3][..], &[2][..]));
        assert!(!check.is_clean());
        let there = BTreeMap::from([(1, 1), (2, 1), (3, 1), (4, 1), (5, 1)]);
        assert!(LedgerCheck::of(&acknowledged, 1, &there).is_clean(), "4 was never acknowledged and may be there");
    }
}
