//! One row on its way: what was seen of it last, what was written, what became of it. Pure.

use switchyard_model::{
    Side,
    reconcile::Finding,
    repair::{RepairOutcome, RepairedRow},
};

use super::decide::{self, Act, Seen, left_alone};
use crate::db::rows::{Relation, Sum};

/// What became of one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mended {
    /// As the journal has it.
    pub row: RepairedRow,
    /// Whether it was refused for the sake of another row, and may go through once that one has been mended.
    pub again: bool,
}

/// One row on its way.
pub(super) struct Row<'f> {
    finding: &'f Finding,
    /// As it was seen last, and once it was written, as it was left; None where that cannot be told.
    pub(super) seen: Option<Seen>,
    pub(super) written: bool,
    /// Inserted, and not looked at since.
    pub(super) inserted: bool,
    pub(super) outcome: Option<RepairOutcome>,
    pub(super) again: bool,
}

impl<'f> Row<'f> {
    pub(super) fn new(finding: &'f Finding, relation: &Relation, authority: Side) -> Self {
        let row = Row { finding, seen: None, written: false, inserted: false, outcome: None, again: false };
        match decide::seen(finding, relation, authority) {
            Ok(seen) => Row { seen: Some(seen), ..row },
            Err(why) => Row { outcome: Some(RepairOutcome::Changed { why }), ..row },
        }
    }

    pub(super) fn changed(&mut self, why: &str) {
        self.outcome = Some(left_alone(why));
    }

    /// What is known of it, while nothing is decided.
    pub(super) fn open(&self) -> Option<&Seen> {
        self.seen.as_ref().filter(|_| self.outcome.is_none())
    }

    /// It is different, and this is what both sides hold of it.
    pub(super) fn differs(&mut self, authority: Sum, other: Sum) {
        let Some(seen) = self.seen.as_mut() else { return };
        let as_seen = seen.authority == authority && seen.other == other;
        match (self.written, as_seen) {
            (false, true) => {}
            (false, false) => self.changed(decide::CHANGED),
            // The authority went on, and its change found nothing to change there; or not all copies were written at once.
            (true, _) if seen.other == other => seen.authority = authority,
            (true, _) if seen.other == authority => {
                let why = "it was written and still is not equal: a column there may be narrower, or a trigger acts";
                self.outcome = Some(RepairOutcome::Refused { why: why.to_owned() });
            }
            (true, _) => self.changed("it was written, and has changed again since"),
        }
    }

    /// So many rows were written; notes what is there now.
    pub(super) fn wrote(&mut self, act: Act, rows: u64) {
        let Some(seen) = self.seen.as_mut() else { return };
        let rows = i64::try_from(rows).unwrap_or(i64::MAX);
        let copies = |n: i64| decide::sum(n, seen.key.0.first().and_then(|t| t.parse().ok()).unwrap_or_default());
        seen.other = match act {
            Act::Insert | Act::Update => seen.authority,
            Act::Delete => Sum::default(),
            Act::InsertCopies(_) => copies(seen.other.rows + rows),
            Act::DeleteCopies(_) => copies(seen.other.rows - rows),
            Act::Ambiguous => seen.other,
        };
        self.written = true;
        self.inserted = act == Act::Insert;
    }

    pub(super) fn end(self) -> Mended {
        let outcome = self.outcome.unwrap_or_else(|| left_alone("it changes all the time"));
        mended(self.finding, self.seen.as_ref(), outcome, self.again)
    }
}

/// Without a key a finding names its row by all its values, and the journal holds none.
pub(super) fn mended(finding: &Finding, seen: Option<&Seen>, outcome: RepairOutcome, again: bool) -> Mended {
    let hash = finding.seen.and_then(|s| s.source.filter(|hash| s.target == Some(*hash)));
    let key = match (hash, seen) {
        (Some(hash), _) => vec![("(row hash)".to_owned(), hash.to_string())],
        (None, Some(_)) => finding.key.clone(),
        // It is not known whether these are a key's values.
        (None, None) => finding.key.iter().map(|(name, _)| (name.clone(), "…".to_owned())).collect(),
    };
    Mended { row: RepairedRow { key, kind: finding.kind, outcome }, again }
}
