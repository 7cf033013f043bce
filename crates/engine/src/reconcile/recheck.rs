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

/// A row as one look saw it; one that is not there is no row and no hash.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Seen {
    sum: Sum,
    version: i128,
}

/// Looks again until each row is equal, different for good, or hot.
///
/// One attempt reads the other side (b₁) and the authority (a), waits until the stream has passed that moment, and reads the
/// other side (b₂) and the authority (c) again. Before each look at the authority every transaction there that was about to
/// end has ended: its change may be on the other side before the authority itself shows it.
///
/// b₂ = a or b₂ = c: equal. Else, where the authority has the row: the same version in a and c means that it was nothing else
/// in between, and the other side has had it: different. Where the authority lacks it in a and c, it may have been there in
/// between; but had that come to the other side, its row would be another version in b₂ than in b₁: different when it is
/// not. Else the row moved: again. Equal values are not enough for that: a row may change and change back.
pub async fn recheck(sides: &mut dyn Sides, keys: Vec<Key>) -> Result<Rechecked> {
    let mut result = Rechecked::default();
    let mut open = keys;
    for attempt in 1..=ATTEMPTS {
        let before = by_key(sides.other(&open).await?);
        let mut ended = sides.ended().await?;
        let a = by_key(sides.authority(&open).await?);
        sides.pass().await?;
        let b = by_key(sides.other(&open).await?);
        let of = |side: &HashMap<Key, Seen>, key: &Key| side.get(key).copied().unwrap_or_default();
        let count = open.len();
        open.retain(|key| of(&a, key).sum != of(&b, key).sum);
        result.in_flight += (count - open.len()) as i64;
        if open.is_empty() {
            break;
        }
        ended &= sides.ended().await?;
        let c = by_key(sides.authority(&open).await?);
        open.retain(|key| {
            let (before, a, b, c) = (of(&before, key), of(&a, key), of(&b, key), of(&c, key));
            if b.sum == c.sum {
                result.in_flight += 1;
                return false;
            }
            if ended && a == c && (a.sum.rows > 0 || before == b) {
                result.different.push((key.clone(), a.sum, b.sum));
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

fn by_key(rows: Vec<RowSum>) -> HashMap<Key, Seen> {
    rows.into_iter().map(|r| (r.key, Seen { sum: r.sum, version: r.version })).collect()
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
        // The version is in the upper half, so that a row can be another one with the same value.
        let row = |n: i128| RowSum { key: key(), sum: Sum { rows: 1, hash: n % 1000 }, version: n };
        now.map(row).into_iter().collect()
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

    #[tokio::test]
    async fn a_row_that_was_another_in_between_is_no_difference() {
        // 1001 and 2001 are versions of one value.
        let r = outcome(vec![Some(1001), Some(2001)], vec![Some(5), Some(5), Some(2001)]).await;
        assert_eq!((keys(&r), r.hot), (vec![], vec![]), "the authority shows one value twice, and it is another row");
        let r = outcome(vec![None], vec![None, Some(5), None]).await;
        assert_eq!((keys(&r), r.hot), (vec![], vec![]), "what the other side shows came after the first look");
    }
}
