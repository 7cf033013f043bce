//! Time series with roll-ups: a second for a day, a minute for a month, an hour for good.
//!
//! One row takes about 40 bytes: a month of six series is 6 × (86 400 + 44 640 + 744) rows, some 32 MB.

use switchyard_model::UnixMs;

use super::{MigrationId, Store, failed};
use crate::error::Result;

/// What is measured. Numbers are stored, so they never change meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Series {
    /// Lag of the stream that leaves the source, ms.
    LagForward = 1,
    /// Lag of the stream that leaves the target, ms.
    LagReverse = 2,
    /// Commit time of a beat on the authority, ms.
    WriteLatency = 3,
}

/// One bucket.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bucket {
    /// Start, ms.
    pub at: UnixMs,
    /// Samples in it.
    pub n: i64,
    /// Lowest.
    pub low: f64,
    /// Highest.
    pub high: f64,
    /// Sum, for the mean.
    pub total: f64,
}

/// Resolution in seconds, and for how long it is kept in ms (None: for good).
const LEVELS: [(i64, Option<i64>); 3] = [(1, Some(86_400_000)), (60, Some(31 * 86_400_000)), (3600, None)];

impl Store {
    /// Takes samples in on every level at once, in one transaction.
    pub async fn add_samples(&self, migration: MigrationId, samples: &[(Series, UnixMs, f64)]) -> Result<()> {
        let doing = "writing samples";
        let mut tx = self.quick.begin_with("BEGIN IMMEDIATE").await.map_err(|e| failed(doing, e))?;
        for (series, at, value) in samples.iter().filter(|s| s.2.is_finite()) {
            for (resolution, _) in LEVELS {
                sqlx::query(
                    "INSERT INTO sample (migration_id, series, resolution_s, at, n, low, high, total)
                     VALUES (?, ?, ?, ?, 1, ?5, ?5, ?5)
                     ON CONFLICT (migration_id, series, resolution_s, at) DO UPDATE SET n = n + 1,
                     low = min(low, excluded.low), high = max(high, excluded.high), total = total + excluded.total",
                )
                .bind(migration)
                .bind(*series as i64)
                .bind(resolution)
                .bind(at.div_euclid(resolution * 1000) * resolution * 1000)
                .bind(*value)
                .execute(&mut *tx)
                .await
                .map_err(|e| failed(doing, e))?;
            }
        }
        tx.commit().await.map_err(|e| failed(doing, e))
    }

    /// Buckets of a range, oldest first, in the finest resolution that is still kept for its start.
    pub async fn samples(
        &self,
        migration: MigrationId,
        series: Series,
        from: UnixMs,
        to: UnixMs,
        now: UnixMs,
    ) -> Result<Vec<Bucket>> {
        let kept = |keep: &Option<i64>| keep.is_none_or(|k| now - from <= k);
        let resolution = LEVELS.iter().find(|(_, keep)| kept(keep)).map_or(3600, |(r, _)| *r);
        let rows: Vec<(i64, i64, f64, f64, f64)> = sqlx::query_as(
            "SELECT at, n, low, high, total FROM sample
             WHERE migration_id = ? AND series = ? AND resolution_s = ? AND at BETWEEN ? AND ? ORDER BY at",
        )
        .bind(migration)
        .bind(series as i64)
        .bind(resolution)
        .bind(from)
        .bind(to)
        .fetch_all(&self.full)
        .await
        .map_err(|e| failed("reading samples", e))?;
        Ok(rows.into_iter().map(|(at, n, low, high, total)| Bucket { at, n, low, high, total }).collect())
    }

    /// Removes what is older than its level keeps.
    pub async fn prune_samples(&self, now: UnixMs) -> Result<u64> {
        let mut removed = 0;
        for (resolution, keep) in LEVELS {
            let Some(keep) = keep else { continue };
            removed += sqlx::query("DELETE FROM sample WHERE resolution_s = ? AND at < ?")
                .bind(resolution)
                .bind(now - keep)
                .execute(&self.quick)
                .await
                .map_err(|e| failed("pruning samples", e))?
                .rows_affected();
        }
        Ok(removed)
    }
}
