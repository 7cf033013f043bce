//! How far a stream that somebody else set up has come. Reads only.

use async_trait::async_trait;

use super::PgDatabase;
use crate::{Result, db::Positions};

#[async_trait]
impl Positions for PgDatabase {
    async fn now(&self) -> Result<String> {
        // Of what was inserted, not of what was written: a commit that does not wait for the disk (synchronous_commit = off)
        // is visible before it is written, and must not be taken for one that the stream has had.
        sqlx::query_scalar("SELECT pg_current_wal_insert_lsn()::text")
            .fetch_one(self.pool())
            .await
            .map_err(self.failed("reading the WAL position"))
    }

    async fn subscribed(&self) -> Result<Vec<String>> {
        sqlx::query_scalar(
            "SELECT s.subslotname::text FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid \
              WHERE d.datname = current_database() AND s.subenabled AND s.subslotname IS NOT NULL",
        )
        .fetch_all(self.pool())
        .await
        .map_err(self.failed("reading the subscriptions"))
    }

    async fn behind(&self, slots: &[String], position: &str) -> Result<Option<bool>> {
        sqlx::query_scalar(
            "SELECT bool_or(confirmed_flush_lsn IS NULL OR confirmed_flush_lsn < $2::text::pg_lsn) \
               FROM pg_replication_slots \
              WHERE slot_type = 'logical' AND database = current_database() AND slot_name = ANY ($1)",
        )
        .bind(slots)
        .bind(position)
        .fetch_one(self.pool())
        .await
        .map_err(self.failed("reading how far the replication slots are"))
    }
}
