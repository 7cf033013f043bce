//! Words of repairs: what became of a row that differed. They go into the journal, so they hold no values but keys.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{Side, ident::TableName, reconcile::FindingKind};

/// What became of one row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum RepairOutcome {
    /// It was written, looked at again once the stream had passed, and is equal.
    Mended,
    /// It was equal already when it was looked at again.
    Equal,
    /// It is not as it was seen, so it was left alone.
    Changed {
        /// What is otherwise, in a sentence.
        why: String,
    },
    /// It cannot be made equal.
    Refused {
        /// Which constraint or what else stands in the way, in a sentence.
        why: String,
    },
}

impl RepairOutcome {
    /// Whether nothing is left to be done for the row.
    pub fn is_equal(&self) -> bool {
        match self {
            RepairOutcome::Mended | RepairOutcome::Equal => true,
            RepairOutcome::Changed { .. } | RepairOutcome::Refused { .. } => false,
        }
    }

    /// The outcome in words, for lists.
    pub fn words(&self) -> String {
        match self {
            RepairOutcome::Mended => "mended".to_owned(),
            RepairOutcome::Equal => "equal by now".to_owned(),
            RepairOutcome::Changed { why } => format!("not touched: {why}"),
            RepairOutcome::Refused { why } => format!("refused: {why}"),
        }
    }
}

/// One row of a repair.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct RepairedRow {
    /// Column and value of the key as text. Without a key: the hash that stands for the row.
    pub key: Vec<(String, String)>,
    /// What was wrong with it.
    pub kind: FindingKind,
    /// What became of it.
    #[serde(flatten)]
    pub outcome: RepairOutcome,
}

/// How many rows came to what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct RepairCount {
    /// Written and proven equal.
    pub mended: i64,
    /// Equal already.
    pub equal: i64,
    /// Not as they were seen.
    pub changed: i64,
    /// Could not be made equal.
    pub refused: i64,
}

impl RepairCount {
    /// Counts rows.
    pub fn of(rows: &[RepairedRow]) -> Self {
        let mut count = RepairCount::default();
        for row in rows {
            match row.outcome {
                RepairOutcome::Mended => count.mended += 1,
                RepairOutcome::Equal => count.equal += 1,
                RepairOutcome::Changed { .. } => count.changed += 1,
                RepairOutcome::Refused { .. } => count.refused += 1,
            }
        }
        count
    }

    /// Takes in others.
    pub fn add(&mut self, other: RepairCount) {
        self.mended += other.mended;
        self.equal += other.equal;
        self.changed += other.changed;
        self.refused += other.refused;
    }

    /// Rows in all.
    pub fn rows(&self) -> i64 {
        self.mended + self.equal + self.left()
    }

    /// Rows that still differ.
    pub fn left(&self) -> i64 {
        self.changed + self.refused
    }

    /// `3 rows mended, 1 equal by now, 0 changed since, 2 refused`.
    pub fn words(&self) -> String {
        let rows = if self.mended == 1 { "row" } else { "rows" };
        format!(
            "{} {rows} mended, {} equal by now, {} changed since, {} refused",
            self.mended, self.equal, self.changed, self.refused
        )
    }
}

/// Some rows of one table, as the journal keeps them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Repaired {
    /// The table, by the source's name.
    pub table: TableName,
    /// The side that was written to.
    pub side: Side,
    /// The rows.
    pub rows: Vec<RepairedRow>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_counted_by_what_became_of_them() {
        let row = |outcome| RepairedRow { key: vec![], kind: FindingKind::Different, outcome };
        let why = || "x".to_owned();
        let rows = [
            RepairOutcome::Mended,
            RepairOutcome::Equal,
            RepairOutcome::Changed { why: why() },
            RepairOutcome::Refused { why: why() },
        ]
        .map(row);
        let mut count = RepairCount::of(&rows);
        assert_eq!((count.rows(), count.left()), (4, 2), "what changed or was refused still differs");
        count.add(count);
        assert_eq!(count.words(), "2 rows mended, 2 equal by now, 2 changed since, 2 refused");
    }

    #[test]
    fn an_outcome_lies_flat_beside_its_row() {
        let row = RepairedRow {
            key: vec![("id".into(), "7".into())],
            kind: FindingKind::OnlyOnTarget,
            outcome: RepairOutcome::Refused { why: "no".into() },
        };
        let text = serde_json::to_string(&row).unwrap();
        assert_eq!(text, r#"{"key":[["id","7"]],"kind":"only_on_target","outcome":"refused","why":"no"}"#);
        assert_eq!(serde_json::from_str::<RepairedRow>(&text).unwrap(), row, "the journal is read back");
    }
}
