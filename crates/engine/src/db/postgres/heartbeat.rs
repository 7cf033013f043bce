//! Beats: one row per direction, written on the side the stream leaves and read on the other.

use async_trait::async_trait;
use sqlx::AssertSqlSafe;
use switchyard_model::Side;

use super::PgDatabase;
use crate::{Result, db::Heartbeat};

/// The beat table of the stream that leaves `from`. Its first row is the beat, its second what a synchronous dual write is measured
/// by ([`super::synchronous`]).
pub fn beat_table(from: Side) -> &'static str {
    match from {
        Side::Source => "switchyard.beat_forward",
        Side::Target => "switchyard.beat_reverse",
    }
}

#[async_trait]
impl Heartbeat for PgDatabase {
    async fn beat(&self, from: Side, n: i64) -> Result<()> {
        let table = beat_table(from);
        // DELETE and INSERT rather than one UPDATE: an update of a row that the other side does not have yet is skipped
        // there without a word, and no beat would ever arrive. One string is one transaction and one round trip. The ON
        // CONFLICT serves a second writer, whose DELETE no longer finds the row that the first one has just replaced.
        let sql = format!(
            "DELETE FROM {table} WHERE id = 1; \
             INSERT INTO {table} (id, n, at) VALUES (1, {n}, pg_catalog.clock_timestamp()) \
             ON CONFLICT (id) DO UPDATE SET n = excluded.n, at = excluded.at"
        );
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(self.pool()).await.map_err(self.failed("writing a beat"))?;
        Ok(())
    }

    async fn seen(&self, from: Side) -> Result<Option<i64>> {
        let sql = match from {
            Side::Source => "SELECT n FROM switchyard.beat_forward WHERE id = 1",
            Side::Target => "SELECT n FROM switchyard.beat_reverse WHERE id = 1",
        };
        sqlx::query_scalar(sql).fetch_optional(self.pool()).await.map_err(self.failed("reading the newest beat"))
    }
}
