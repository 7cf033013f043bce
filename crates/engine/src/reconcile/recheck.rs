//! The rule for rows that differ.

use std::{collections::HashMap, time::Duration};

use async_trait::async_trait;
use switchyard_model::reconcile::Key;

use crate::{
    db::rows::{RowSum, Sum},
    error::Result,
};

/// How often a row is looked at before it is called hot.
pub const ATTEMPTS: u32 = 12;

/// What looking again needs: the side with the authority, the other side, and a way to wait for the stream between them.
#[async_trait]
pub trait Sides: Send {
    /// The rows as they are on the side with the authority.
    async fn authority(&mut self, keys: &[Key]) -> Result<Vec<RowSum>>;
    /// The rows as they are on the other side.
    async fn other(&mut self, keys: &[Key]) -> Result<Vec<RowSum>>;
    /// Returns once everything committed on the authority before this call is on the other side.
    async fn pass(&mut self) -> Result<()>;
    /// Returns once no transaction on the authority is about to end that was when it was called; false when some go on.
    async fn ended(&mut self) -> Result<bool>;
    /// A pause between attempts.
    async fn pause(&mut self, attempt: u32) {
        tokio::time::sleep(Duration::from_millis(u64::from(attempt.min(10)) * 20)).await;
    }
}

/// What became of rows that differed at first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rechecked {
    /// Stayed different although the stream had passed and the authority's row had not changed; with what the authority
    /// and the other side hold.
    pub different: Vec<(Key, Sum, Sum)>,
    /// Changed on every attempt.
    pub hot: Vec<Key>,
    /// Were equal after all.
    pub in_flight: i64,
}

/// Looks again until each row is equal, different for good, or hot.
///
/// One attempt reads the authority (a), waits until the stream has passed that moment, and reads the other side (b). b = a:
/// equal. Else the authority is read again (c), after every transaction there has ended that was about to: its change may be
/// on the other side before the authority itself shows it. b = c: equal, the other side was ahead. a = c ≠ b: the other side
/// has everything up to a and yet not a's row, and the row has not changed since: different. Else the row moved: again.
pub async fn recheck(sides: &mut dyn Sides, keys: Vec<Key>) -> Result<Rechecked> {
    let mut result = Rechecked::default();
    let mut open = keys;
    for attempt in 1..=ATTEMPTS {
        let a = by_key(sides.authority(&open).await?);
        sides.pass().await?;
        let b = by_key(sides.other(&open).await?);
        let of = |side: &HashMap<Key, Sum>, key: &Key| side.get(key).copied().unwrap_or_default();
        let before = open.len();
        open.retain(|key| of(&a, key) != of(&b, key));
        result.in_flight += (before - open.len()) as i64;
        if open.is_empty() {
            break;
        }
        let ended = sides.ended().await?;
        let c = by_key(sides.authority(&open).await?);
        open.retain(|key| {
            let (a, b, c) = (of(&a, key), of(&b, key), of(&c, key));
            if b == c {
                result.in_flight += 1;
                return false;
            }
            if a == c && ended {
                result.different.push((key.clone(), a, b));
                return false;
            }
            true
        });
        if open.is_empty() {
            break;
        }
        sides.pause(attempt).await;
    }
    result.hot = open;
    Ok(result)
}

/// A row that is not there is no row and no hash.
fn by_key(rows: Vec<RowSum>) -> HashMap<Key, Sum> {
    rows.into_iter().map(|r| (r.key, r.sum)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A script: what the authority shows on each reading, and what the other side shows after each pass; None is no row.
    struct Script {
        authority: Vec<Option<i128>>,
        other: Vec<Option<i128>>,
        ended: bool,
    }

    fn next(list: &mut Vec<Option<i128>>) -> Vec<RowSum> {
        let now = if list.len() > 1 { list.remove(0) } else { list[0] };
        now.map(|hash| RowSum { key: key(), sum: Sum { rows: 1, hash } }).into_iter().collect()
    }

    fn key() -> Key {
        Key(vec!["7".into()])
    }

    #[async_trait]
    impl Sides for Script {
        async fn authority(&mut self, _: &[Key]) -> Result<Vec<RowSum>> {
            Ok(next(&mut self.authority))
        }
        async fn other(&mut self, _: &[Key]) -> Result<Vec<RowSum>> {
            Ok(next(&mut self.other))
        }
        async fn pass(&mut self) -> Result<()> {
            Ok(())
        }
        async fn ended(&mut self) -> Result<bool> {
            Ok(self.ended)
        }
        async fn pause(&mut self, _: u32) {}
    }

    async fn outcome(authority: Vec<Option<i128>>, other: Vec<Option<i128>>) -> Rechecked {
        recheck(&mut Script { authority, other, ended: true }, vec![key()]).await.unwrap()
    }

    fn keys(r: &Rechecked) -> Vec<Key> {
        r.different.iter().map(|d| d.0.clone()).collect()
    }

    #[tokio::test]
    async fn what_was_in_flight_is_equal() {
        let r = outcome(vec![Some(1)], vec![Some(1)]).await;
        assert_eq!((keys(&r), r.hot, r.in_flight), (vec![], vec![], 1), "the stream has passed and the row is there");
    }

    #[tokio::test]
    async fn a_row_that_moved_on_is_equal_when_the_other_side_has_the_later_version() {
        let r = outcome(vec![Some(1), Some(2)], vec![Some(2)]).await;
        assert_eq!((keys(&r), r.hot), (vec![], vec![]), "the other side may be ahead of the first reading");
    }

    #[tokio::test]
    async fn an_unchanged_row_that_the_other_side_lacks_is_different() {
        let r = outcome(vec![Some(1)], vec![None]).await;
        assert_eq!(keys(&r), vec![key()], "everything up to the reading has arrived, and the row has not");
    }

    #[tokio::test]
    async fn an_extra_row_on_the_other_side_is_different() {
        let r = outcome(vec![None], vec![Some(1)]).await;
        assert_eq!(keys(&r), vec![key()], "absent twice on the authority, present on the other side");
    }

    #[tokio::test]
    async fn a_row_that_never_rests_is_hot_and_no_difference() {
        let moving = (0..40).map(|i| Some(100 + i)).collect();
        let r = outcome(moving, vec![Some(1)]).await;
        assert_eq!((keys(&r), r.hot), (vec![], vec![key()]), "a false alarm would stop a cutover for nothing");
    }

    #[tokio::test]
    async fn a_commit_that_the_authority_does_not_show_yet_is_no_difference() {
        let mut waiting = Script { authority: vec![None], other: vec![Some(1)], ended: false };
        let r = recheck(&mut waiting, vec![key()]).await.unwrap();
        assert_eq!((keys(&r), r.hot), (vec![], vec![key()]), "while its transaction has not ended nothing is proven");
    }
}
