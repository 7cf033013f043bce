//! One table, both sides at once.

use std::collections::HashMap;

use switchyard_model::{
    inventory::Table,
    validation::{TableOutcome, TableResult},
};

use super::{ATTEMPTS, MOST_KEYS, Sides, recheck};
use crate::{
    clock::Clock,
    db::{Database, KeyDigest, TableDigest},
    error::Result,
};

/// Buckets of the first narrowing, minus one.
const MASK: i64 = 4095;

/// Compares one table. `authority` is the side whose rows count, `other` the one that has to have them.
pub async fn compare(
    authority: &Database,
    other: &Database,
    table: &Table,
    sides: &dyn Sides,
    clock: &dyn Clock,
) -> Result<TableResult> {
    let began = clock.instant();
    let (a, b) = tokio::try_join!(authority.digest.digest(table), other.digest.digest(table))?;
    let outcome = if a == b { TableOutcome::Equal } else { narrow(authority, other, table, sides).await? };
    let (rows_source, rows_target) = by_side(authority, &outcome, &a, &b);
    Ok(TableResult {
        table: table.name.clone(),
        rows_source,
        rows_target,
        outcome,
        ms: clock.instant().duration_since(began).as_millis() as i64,
        at: clock.now(),
    })
}

/// Row counts by side. Where the tables were proven equal although their first digests differed, rows were in flight: the
/// count of the authority stands for both, since each had every row that rested.
fn by_side(authority: &Database, outcome: &TableOutcome, a: &TableDigest, b: &TableDigest) -> (i64, i64) {
    let other = if *outcome == TableOutcome::Equal { a.rows } else { b.rows };
    match authority.side {
        switchyard_model::Side::Source => (a.rows, other),
        switchyard_model::Side::Target => (other, a.rows),
    }
}

async fn narrow(authority: &Database, other: &Database, table: &Table, sides: &dyn Sides) -> Result<TableOutcome> {
    let (a, b) = tokio::try_join!(authority.key_digests.buckets(table, MASK), other.key_digests.buckets(table, MASK))?;
    let buckets = differing_buckets(a, b);
    if buckets.is_empty() {
        return Ok(TableOutcome::Equal);
    }
    let (a, b) = tokio::try_join!(
        authority.key_digests.keys_in(table, MASK, &buckets),
        other.key_digests.keys_in(table, MASK, &buckets)
    )?;
    let keys = differing_keys(a, b);
    if keys.len() > MOST_KEYS {
        return Ok(TableOutcome::Different { why: format!("{} rows differ", keys.len()) });
    }
    let result = recheck(sides, table, keys).await?;
    Ok(match (result.different.len(), result.hot.len()) {
        (0, 0) => TableOutcome::Equal,
        (0, _) => TableOutcome::Hot { attempts: ATTEMPTS },
        (n, 0) => TableOutcome::Different { why: format!("{n} rows differ") },
        (n, hot) => TableOutcome::Different { why: format!("{n} rows differ, {hot} more kept changing") },
    })
}

fn differing_buckets(a: Vec<(i64, TableDigest)>, b: Vec<(i64, TableDigest)>) -> Vec<i64> {
    let mut b: HashMap<i64, TableDigest> = b.into_iter().collect();
    let mut out: Vec<i64> = a.into_iter().filter(|(k, d)| b.remove(k).as_ref() != Some(d)).map(|(k, _)| k).collect();
    out.extend(b.into_keys());
    out
}

fn differing_keys(a: Vec<KeyDigest>, b: Vec<KeyDigest>) -> Vec<i64> {
    let mut b: HashMap<i64, (i64, String)> = b.into_iter().map(|d| (d.key, (d.rows, d.sum))).collect();
    let mut out: Vec<i64> =
        a.into_iter().filter(|d| b.remove(&d.key) != Some((d.rows, d.sum.clone()))).map(|d| d.key).collect();
    out.extend(b.into_keys());
    out
}
