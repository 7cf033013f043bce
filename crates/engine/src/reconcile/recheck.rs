//! The rule for keys that differ.

use std::collections::HashMap;

use switchyard_model::inventory::Table;

use super::{ATTEMPTS, Sides};
use crate::{db::KeyDigest, error::Result};

/// What became of keys that differed at first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rechecked {
    /// Stayed different although the stream had passed and the authority's row had not changed.
    pub different: Vec<i64>,
    /// Changed on every attempt.
    pub hot: Vec<i64>,
}

/// Looks again until each key is equal, different for good, or hot.
///
/// One attempt reads the authority (a), waits until the stream has passed that moment, reads the other side (b), and reads
/// the authority again (c). b = a or b = c: equal, the other side is at one of the two. a = c ≠ b: the other side has
/// everything up to a and yet not a's row, and the row has not changed since: different. Else the row moved: again.
pub async fn recheck(sides: &dyn Sides, table: &Table, keys: Vec<i64>) -> Result<Rechecked> {
    let mut result = Rechecked::default();
    let mut open = keys;
    for attempt in 1..=ATTEMPTS {
        if open.is_empty() {
            break;
        }
        let a = by_key(sides.authority(table, &open).await?);
        sides.pass().await?;
        let b = by_key(sides.other(table, &open).await?);
        let c = by_key(sides.authority(table, &open).await?);
        open.retain(|key| {
            let (a, b, c) = (a.get(key), b.get(key), c.get(key));
            if b == a || b == c {
                return false;
            }
            if a == c {
                result.different.push(*key);
                return false;
            }
            true
        });
        if !open.is_empty() {
            sides.pause(attempt).await;
        }
    }
    result.hot = open;
    Ok(result)
}

fn by_key(digests: Vec<KeyDigest>) -> HashMap<i64, (i64, String)> {
    digests.into_iter().map(|d| (d.key, (d.rows, d.sum))).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use async_trait::async_trait;
    use switchyard_model::{
        ident::TableName,
        inventory::{ReplicaIdentity, TableKind},
    };

    use super::*;

    /// A script: what the authority shows on each reading, and what the other side shows after each pass.
    struct Script {
        authority: Mutex<Vec<Vec<(i64, &'static str)>>>,
        other: Mutex<Vec<Vec<(i64, &'static str)>>>,
    }

    fn digests(rows: Vec<(i64, &'static str)>) -> Vec<KeyDigest> {
        rows.into_iter().map(|(key, sum)| KeyDigest { key, rows: 1, sum: sum.into() }).collect()
    }

    fn next(list: &Mutex<Vec<Vec<(i64, &'static str)>>>) -> Vec<KeyDigest> {
        let mut list = list.lock().unwrap();
        digests(if list.len() > 1 { list.remove(0) } else { list[0].clone() })
    }

    #[async_trait]
    impl Sides for Script {
        async fn authority(&self, _: &Table, _: &[i64]) -> Result<Vec<KeyDigest>> {
            Ok(next(&self.authority))
        }
        async fn other(&self, _: &Table, _: &[i64]) -> Result<Vec<KeyDigest>> {
            Ok(next(&self.other))
        }
        async fn pass(&self) -> Result<()> {
            Ok(())
        }
        async fn pause(&self, _: u32) {}
    }

    fn table() -> Table {
        Table {
            name: TableName::new("public", "t"),
            kind: TableKind::Ordinary,
            partition_of: None,
            unlogged: false,
            columns: vec![],
            primary_key: vec![],
            replica_identity: ReplicaIdentity::Default,
            estimated_rows: 0,
            bytes: 0,
        }
    }

    async fn outcome(authority: Vec<Vec<(i64, &'static str)>>, other: Vec<Vec<(i64, &'static str)>>) -> Rechecked {
        let sides = Script { authority: Mutex::new(authority), other: Mutex::new(other) };
        recheck(&sides, &table(), vec![7]).await.unwrap()
    }

    #[tokio::test]
    async fn what_was_in_flight_is_equal() {
        let r = outcome(vec![vec![(7, "x")]], vec![vec![(7, "x")]]).await;
        assert_eq!(r, Rechecked::default(), "the stream has passed and the row is there");
    }

    #[tokio::test]
    async fn a_row_that_moved_on_is_equal_when_the_other_side_has_the_later_version() {
        let r = outcome(vec![vec![(7, "x")], vec![(7, "y")]], vec![vec![(7, "y")]]).await;
        assert_eq!(r, Rechecked::default(), "the other side may be ahead of the first reading");
    }

    #[tokio::test]
    async fn an_unchanged_row_that_the_other_side_lacks_is_different() {
        let r = outcome(vec![vec![(7, "x")]], vec![vec![]]).await;
        assert_eq!(r.different, vec![7], "everything up to the reading has arrived, and the row has not");
    }

    #[tokio::test]
    async fn an_extra_row_on_the_other_side_is_different() {
        let r = outcome(vec![vec![]], vec![vec![(7, "x")]]).await;
        assert_eq!(r.different, vec![7], "absent twice on the authority, present on the other side");
    }

    #[tokio::test]
    async fn a_row_that_never_rests_is_hot_and_no_difference() {
        let moving = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m"].map(|v| vec![(7, v)]);
        let mut list: Vec<_> = moving.iter().flat_map(|v| [v.clone(), vec![(7, "z")]]).collect();
        list.push(vec![(7, "q")]);
        let r = outcome(list, vec![vec![(7, "stale")]]).await;
        assert_eq!((r.different.len(), r.hot), (0, vec![7]), "a false alarm would stop a cutover for nothing");
    }
}
