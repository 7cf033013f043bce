//! Buckets and the rows in them: which differ, and by which keys.

use std::collections::HashMap;

use switchyard_model::reconcile::Key;

use super::walk::parts;
use crate::{
    db::rows::{Division, Relation, RowReader, Slice, Sum},
    error::{Kind, Result},
};

/// Rows that one bucket is meant to hold: so many are read for each differing row.
pub(super) const BUCKET_ROWS: i64 = 128;

/// Buckets of a walk by pages at most; a sum of each is held in memory.
pub(super) const MOST_BUCKETS: i64 = 1 << 16;

/// Rows by key, as one side holds them.
pub(super) type ByKey = HashMap<Key, Sum>;

/// 2ⁿ−1 for buckets of about [`BUCKET_ROWS`] rows.
pub(super) fn mask(rows: i64) -> i64 {
    let buckets = (rows / BUCKET_ROWS).clamp(1, MOST_BUCKETS) as u64;
    (buckets.next_power_of_two() as i64 - 1).min(MOST_BUCKETS - 1)
}

/// Buckets whose sums differ, with the rows that the fuller side holds, in order.
pub(super) fn differing(a: HashMap<i64, Sum>, mut b: HashMap<i64, Sum>) -> Vec<(i64, i64)> {
    let mut out: Vec<(i64, i64)> = a
        .into_iter()
        .filter_map(|(bucket, sum)| {
            let other = b.remove(&bucket).unwrap_or_default();
            (other != sum).then_some((bucket, sum.rows.max(other.rows)))
        })
        .collect();
    out.extend(b.into_iter().map(|(bucket, sum)| (bucket, sum.rows)));
    out.sort_unstable();
    out
}

/// Takes buckets from the end until they hold `rows`; at least one.
pub(super) fn take_at_most(differing: &mut Vec<(i64, i64)>, rows: i64) -> Vec<i64> {
    let mut taken = Vec::new();
    let mut held = 0;
    while let Some((bucket, rows_here)) = differing.pop() {
        held += rows_here;
        taken.push(bucket);
        if held >= rows {
            break;
        }
    }
    taken
}

/// The rows of some buckets; in several parts, where they are too many for the time limit.
pub(super) async fn rows_of(
    reader: &mut dyn RowReader,
    relation: &Relation,
    slices: &[Slice],
    by: Division,
    buckets: &[i64],
) -> Result<ByKey> {
    let mut all = ByKey::new();
    let mut open: Vec<(Slice, &[i64])> = slices.iter().map(|slice| (slice.clone(), buckets)).collect();
    while let Some((slice, buckets)) = open.pop() {
        match reader.rows_in(relation, &slice, by, buckets).await {
            Ok(rows) => rows.into_iter().for_each(|row| all.entry(row.key).or_default().add(row.sum)),
            Err(e) if e.kind == Kind::Deadline => {
                let (one, other) = buckets.split_at(buckets.len() / 2);
                let slices = parts(slice.clone(), 2);
                match (one.is_empty(), slices.len()) {
                    (false, _) => open.extend([(slice.clone(), one), (slice, other)]),
                    (true, 2) => open.extend(slices.into_iter().map(|slice| (slice, buckets))),
                    (true, _) => return Err(e),
                }
            }
            Err(e) => return Err(e),
        }
    }
    Ok(all)
}

pub(super) fn differing_keys(a: ByKey, mut b: ByKey) -> Vec<Key> {
    let mut out: Vec<Key> =
        a.into_iter().filter(|(key, sum)| b.remove(key) != Some(*sum)).map(|(key, _)| key).collect();
    out.extend(b.into_keys());
    out
}
