//! Time series with roll-ups: a second for a day, a minute for a month, an hour for good.
//!
//! One row takes about 40 bytes: a month of three series each second is 3 × (86 400 + 44 640 + 744) rows, some 16 MB; the nine of percentiles,
//! each five seconds, are 9 × (17 280 + 44 640 + 744) rows, some 23 MB.

use sqlx::QueryBuilder;
use switchyard_model::{
    Side, UnixMs,
    reads::{Percentile, Timed},
};

use super::{MigrationId, Store};
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
    /// Percentiles of the last minute's reads on the source, ms.
    SourceReadsP50 = 11,
    /// See above.
    SourceReadsP95 = 12,
    /// See above.
    SourceReadsP99 = 13,
    /// The same on the target.
    TargetReadsP50 = 14,
    /// See above.
    TargetReadsP95 = 15,
    /// See above.
    TargetReadsP99 = 16,
    /// Percentiles of the newest commits on the source, while it has the authority, ms.
    SourceWritesP50 = 17,
    /// See above.
    SourceWritesP95 = 18,
    /// See above.
    SourceWritesP99 = 19,
    /// The same on the target.
    TargetWritesP50 = 20,
    /// See above.
    TargetWritesP95 = 21,
    /// See above.
    TargetWritesP99 = 22,
}

impl Series {
    /// The one of a percentile.
    pub fn latency(what: Timed, side: Side, percentile: Percentile) -> Series {
        match (what, side, percentile) {
            (Timed::Reads, Side::Source, Percentile::P50) => Series::SourceReadsP50,
            (Timed::Reads, Side::Source, Percentile::P95) => Series::SourceReadsP95,
            (Timed::Reads, Side::Source, Percentile::P99) => Series::SourceReadsP99,
            (Timed::Reads, Side::Target, Percentile::P50) => Series::TargetReadsP50,
            (Timed::Reads, Side::Target, Percentile::P95) => Series::TargetReadsP95,
            (Timed::Reads, Side::Target, Percentile::P99) => Series::TargetReadsP99,
            (Timed::Writes, Side::Source, Percentile::P50) => Series::SourceWritesP50,
            (Timed::Writes, Side::Source, Percentile::P95) => Series::SourceWritesP95,
            (Timed::Writes, Side::Source, Percentile::P99) => Series::SourceWritesP99,
            (Timed::Writes, Side::Target, Percentile::P50) => Series::TargetWritesP50,
            (Timed::Writes, Side::Target, Percentile::P95) => Series::TargetWritesP95,
            (Timed::Writes, Side::Target, Percentile::P99) => Series::TargetWritesP99,
        }
    }
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

/// Rows in one statement. It runs each second, and each statement is a round trip to SQLite's own thread.
const AT_ONCE: usize = 1_000;

/// Resolution in seconds, and for how long it is kept in ms (None: for good).
const LEVELS: [(i64, Option<i64>); 3] = [(1, Some(86_400_000)), (60, Some(31 * 86_400_000)), (3600, None)];

impl Store {
    /// Takes samples in on every level at once.
    pub async fn add_samples(&self, migration: MigrationId, samples: &[(Series, UnixMs, f64)]) -> Result<()> {
        let rows: Vec<_> = samples
            .iter()
            .filter(|s| s.2.is_finite())
            .flat_map(|s| LEVELS.iter().map(move |(resolution, _)| (*s, *resolution)))
            .collect();
        for some in rows.chunks(AT_ONCE) {
            let mut sql =
                QueryBuilder::new("INSERT INTO sample (migration_id, series, resolution_s, at, n, low, high, total) ");
            sql.push_values(some, |mut row, ((series, at, value), resolution)| {
                row.push_bind(migration)
                    .push_bind(*series as i64)
                    .push_bind(*resolution)
                    .push_bind(at.div_euclid(resolution * 1000) * resolution * 1000)
                    .push_bind(1_i64)
                    .push_bind(*value)
                    .push_bind(*value)
                    .push_bind(*value);
            });
            sql.push(
                " ON CONFLICT (migration_id, series, resolution_s, at) DO UPDATE SET n = n + 1, \
                 low = min(low, excluded.low), high = max(high, excluded.high), total = total + excluded.total",
            );
            sql.build().execute(&self.quick).await.map_err(|e| self.failed("writing samples", e))?;
        }
        Ok(())
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
        .map_err(|e| self.failed("reading samples", e))?;
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
                .map_err(|e| self.failed("pruning samples", e))?
                .rows_affected();
        }
        Ok(removed)
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;

    #[tokio::test]
    async fn every_level_keeps_the_spike() {
        let (_folder, store, id) = fixture::with_migration().await;
        let samples: Vec<_> =
            (0..2_000).map(|i| (Series::LagForward, i * 100, if i == 700 { 9.0 } else { 1.0 })).collect();
        store.add_samples(id, &samples).await.unwrap();
        store.add_samples(id, &[(Series::LagForward, 100, 5.0), (Series::LagReverse, 100, f64::NAN)]).await.unwrap();
        let fine = store.samples(id, Series::LagForward, 0, 200_000, 0).await.unwrap();
        assert_eq!(fine.len(), 200, "one bucket a second");
        assert_eq!(
            (fine[0].n, fine[0].low, fine[0].high, fine[0].total),
            (11, 1.0, 5.0, 15.0),
            "a later call adds to it"
        );
        assert_eq!(fine[70].high, 9.0, "the spike is where it was");
        let coarse = store.samples(id, Series::LagForward, 0, 200_000, 86_400_001).await.unwrap();
        let spikes: Vec<f64> = coarse.iter().map(|b| b.high).collect();
        assert_eq!(spikes, [5.0, 9.0, 1.0, 1.0], "a minute keeps its highest");
        let nothing = store.samples(id, Series::LagReverse, 0, 200_000, 0).await.unwrap();
        assert_eq!(nothing, [], "what is not a number is not a sample");
    }
}
