//! From what was seen of a row to what shall become of it. Pure.

use std::collections::HashMap;

use switchyard_model::{
    Side,
    reconcile::{Finding, Key},
    repair::RepairOutcome,
};

use crate::db::{
    repairs::{Cells, Change, Place, WholeRow},
    rows::{Relation, Sum},
};

/// Copies of one row that are written at once; there may be more in the next round.
pub(super) const COPIES: i64 = 1_000;

/// A row as it was seen: what the side with the authority held of it, and the other side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) key: Key,
    pub(super) authority: Sum,
    pub(super) other: Sum,
}

/// What shall become of a row on the side without the authority.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    /// It is added.
    Insert,
    /// It gets other values.
    Update,
    /// It goes.
    Delete,
    /// So many copies of it are added.
    InsertCopies(i64),
    /// So many copies of it go.
    DeleteCopies(i64),
    /// Nothing can be done by its key.
    Ambiguous,
}

/// `rows` rows of one hash.
pub(super) fn sum(rows: i64, hash: i64) -> Sum {
    Sum { rows, hash: i128::from(hash) * i128::from(rows) }
}

/// What a finding saw of its row, as the table is compared now.
///
/// # Errors
/// Why it cannot be told, in a clause.
pub(super) fn seen(finding: &Finding, relation: &Relation, authority: Side) -> Result<Seen, String> {
    let again = |why: &str| format!("{why}; compare the table again");
    let hashes = finding.seen.ok_or_else(|| again("what was seen of it was not kept"))?;
    let (key, source, target) = if relation.key.is_empty() {
        let hash = hashes.source.filter(|h| hashes.target == Some(*h));
        let hash = hash.ok_or_else(|| again("its table had a key when it was found"))?;
        (Key(vec![hash.to_string()]), sum(finding.rows_source, hash), sum(finding.rows_target, hash))
    } else {
        let named = finding.key.iter().map(|(name, _)| name);
        if !named.eq(relation.key_fields().map(|f| &f.name)) {
            return Err(again("its table has another key by now"));
        }
        let of = |rows: i64, hash: Option<i64>| Sum { rows, hash: hash.map_or(0, i128::from) };
        let key = Key(finding.key.iter().map(|(_, text)| text.clone()).collect());
        (key, of(finding.rows_source, hashes.source), of(finding.rows_target, hashes.target))
    };
    Ok(match authority {
        Side::Source => Seen { key, authority: source, other: target },
        Side::Target => Seen { key, authority: target, other: source },
    })
}

/// What shall become of a row that differs.
pub(super) fn act(relation: &Relation, seen: &Seen) -> Act {
    let (wanted, there) = (seen.authority.rows, seen.other.rows);
    if relation.key.is_empty() {
        return if wanted > there { Act::InsertCopies(wanted - there) } else { Act::DeleteCopies(there - wanted) };
    }
    match (wanted, there) {
        (1, 0) => Act::Insert,
        (1, 1) => Act::Update,
        (0, 1) => Act::Delete,
        _ => Act::Ambiguous,
    }
}

/// The one row's hash; None where it is not one row.
pub(super) fn hash(sum: Sum) -> Option<i64> {
    if sum.rows == 1 { i64::try_from(sum.hash).ok() } else { None }
}

/// What a row holds, as far as it can be written on the other side.
pub(super) fn all_cells(row: WholeRow, writable: &[bool]) -> Cells {
    row.texts.into_iter().enumerate().filter(|(i, _)| writable.get(*i) == Some(&true)).collect()
}

/// The cells of `row` that differ from those of the other side, as far as they can be written there.
pub(super) fn differing_cells(row: WholeRow, there: &WholeRow, writable: &[bool]) -> Cells {
    let differs: Vec<bool> = row.hashes.iter().zip(&there.hashes).map(|(a, b)| a != b).collect();
    all_cells(row, writable).into_iter().filter(|(i, _)| differs.get(*i) == Some(&true)).collect()
}

/// The changes of one row, where it is as it was seen: `here` on the side with the authority, `there` on the other.
///
/// # Errors
/// What becomes of it instead.
pub(super) fn changes(
    relation: &Relation,
    writable: &[bool],
    seen: &Seen,
    here: Option<WholeRow>,
    there: Option<&WholeRow>,
    places: &HashMap<i64, Vec<Place>>,
) -> Result<Vec<Change>, RepairOutcome> {
    let key = seen.key.clone();
    // The row to be written, if it is the one that was seen.
    let here = |hash: Option<i64>| here.filter(|row| Some(row.hash) == hash).ok_or_else(changed);
    let there = |hash: Option<i64>| there.filter(|row| Some(row.hash) == hash).ok_or_else(changed);
    let (wanted, held) = (hash(seen.authority), hash(seen.other));
    let own = key.0.first().and_then(|text| text.parse::<i64>().ok());
    Ok(match act(relation, seen) {
        Act::Insert => vec![Change::Insert { key, cells: all_cells(here(wanted)?, writable) }],
        Act::Update => {
            let there = there(held)?;
            let cells = differing_cells(here(wanted)?, there, writable);
            if cells.is_empty() {
                return refused("only columns differ that are generated there, each by its own expression");
            }
            vec![Change::Update { key, hash: there.hash, cells }]
        }
        Act::Delete => vec![Change::Delete { key, hash: there(held)?.hash }],
        Act::InsertCopies(copies) => {
            let copies = copies.min(COPIES);
            vec![Change::InsertCopies { copies, cells: all_cells(here(own)?, writable) }]
        }
        Act::DeleteCopies(copies) => {
            let hash = own.ok_or_else(changed)?;
            let copies = usize::try_from(copies).unwrap_or_default();
            let found = places.get(&hash).map_or(&[][..], Vec::as_slice);
            delete_copies(hash, found.get(..copies).unwrap_or(found))
        }
        Act::Ambiguous => {
            return refused("several rows have its key, on a side where no primary key keeps it unique");
        }
    })
}

fn refused<T>(why: &str) -> Result<T, RepairOutcome> {
    Err(RepairOutcome::Refused { why: why.to_owned() })
}

/// One change per partition that holds some of them.
fn delete_copies(hash: i64, places: &[Place]) -> Vec<Change> {
    let mut by_table: Vec<(i64, Vec<String>)> = Vec::new();
    for place in places {
        match by_table.iter_mut().find(|(table, _)| *table == place.table) {
            Some((_, at)) => at.push(place.at.clone()),
            None => by_table.push((place.table, vec![place.at.clone()])),
        }
    }
    by_table.into_iter().map(|(table, at)| Change::DeleteCopies { hash, table, at }).collect()
}

/// Why a row that is not what was seen is left alone, in a clause.
pub(super) const CHANGED: &str = "it has changed since it was found";

/// Why rows of a table that is gone are left alone, in a clause.
pub(super) const NOT_COMPARED: &str = "its table is not compared any more";

/// The outcome of a row that is left alone.
pub(super) fn left_alone(why: &str) -> RepairOutcome {
    RepairOutcome::Changed { why: why.to_owned() }
}

fn changed() -> RepairOutcome {
    left_alone(CHANGED)
}

#[cfg(test)]
mod tests {
    use switchyard_model::{ident::TableName, reconcile, reconcile::FindingKind};

    use super::*;
    use crate::db::rows::{Field, Rendering, Way};

    fn relation(key: Vec<usize>) -> Relation {
        let field = |name: &str| Field {
            name: name.into(),
            sql_type: "text".into(),
            base_type: "text".into(),
            rendering: Rendering { way: Way::Bytes, exact: false },
        };
        Relation {
            name: TableName::new("s", "t"),
            with_partitions: false,
            root: None,
            fields: vec![field("a"), field("b")],
            key,
        }
    }

    fn finding(rows: (i64, i64), seen: (Option<i64>, Option<i64>)) -> Finding {
        Finding {
            key: vec![("a".into(), "7".into())],
            kind: FindingKind::Different,
            columns: vec![],
            rows_source: rows.0,
            rows_target: rows.1,
            at: 0,
            seen: Some(reconcile::Seen { source: seen.0, target: seen.1 }),
        }
    }

    #[test]
    fn the_side_with_the_authority_says_what_the_other_shall_hold() {
        let missing = finding((1, 0), (Some(5), None));
        for (authority, expected) in [(Side::Source, Act::Insert), (Side::Target, Act::Delete)] {
            let seen = seen(&missing, &relation(vec![0]), authority).unwrap();
            assert_eq!(act(&relation(vec![0]), &seen), expected, "{authority}");
        }
    }

    #[test]
    fn copies_are_counted_without_a_key() {
        let three = finding((2, 3), (Some(-9), Some(-9)));
        let seen = seen(&three, &relation(vec![]), Side::Source).unwrap();
        assert_eq!((seen.key.0[0].as_str(), act(&relation(vec![]), &seen)), ("-9", Act::DeleteCopies(1)));
        assert_eq!(seen.other, sum(3, -9), "as a recheck sums them up");
    }

    #[test]
    fn a_finding_of_a_table_that_changed_its_key_is_left_alone() {
        let one = finding((1, 1), (Some(5), Some(6)));
        assert!(seen(&one, &relation(vec![1]), Side::Source).unwrap_err().contains("another key"));
        assert!(seen(&one, &relation(vec![]), Side::Source).unwrap_err().contains("had a key"));
        let unseen = Finding { seen: None, ..one };
        assert!(seen(&unseen, &relation(vec![0]), Side::Source).unwrap_err().contains("compare the table again"));
    }

    #[test]
    fn a_key_that_several_rows_have_is_not_guessed_at() {
        let twice = finding((1, 2), (Some(5), None));
        let seen = seen(&twice, &relation(vec![0]), Side::Source).unwrap();
        assert_eq!(act(&relation(vec![0]), &seen), Act::Ambiguous);
    }

    #[test]
    fn only_what_differs_and_can_be_written_is_written() {
        let row = |texts: [&str; 2], hashes| WholeRow {
            key: Key(vec!["7".into()]),
            hash: 0,
            version: String::new(),
            texts: texts.map(|t| Some(t.to_owned())).to_vec(),
            hashes,
        };
        let cells = differing_cells(row(["7", "x"], vec![1, 2]), &row(["7", "y"], vec![1, 3]), &[true, true]);
        assert_eq!(cells, [(1, Some("x".to_owned()))]);
        let none = differing_cells(row(["7", "x"], vec![1, 2]), &row(["7", "y"], vec![1, 3]), &[true, false]);
        assert_eq!(none, [], "a generated column follows its own expression");
    }
}
