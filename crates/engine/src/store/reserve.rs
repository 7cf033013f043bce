//! Room on the disk for the journal of a write switch, taken while no client waits yet.
//!
//! A disk that fills up between the point of no return and the release would leave clients held until somebody frees it.
//! SQLite writes to its log first and reuses the log's room once everything in it is in the file. So something large is
//! written and removed again, and the log is begun anew: what is journaled next finds room that is the store's already.

use super::{MigrationId, Store};
use crate::error::Result;

/// More than a switch writes, the measurements of its seconds included.
const ROOM: i64 = 1 << 20;

/// Kind of the document that takes the room, for a moment.
const KIND: &str = "reserve";

impl Store {
    /// Makes sure of it; to be asked before clients are held.
    ///
    /// # Errors
    /// When there is no room; then nothing should be held.
    pub async fn reserve(&self, migration: MigrationId) -> Result<()> {
        let doing = "making sure of room for the journal of a switch";
        let fill = "INSERT INTO snapshot (migration_id, kind, at, document) VALUES (?, ?, 0, zeroblob(?)) \
                    ON CONFLICT (migration_id, kind) DO UPDATE SET document = excluded.document";
        sqlx::query(fill)
            .bind(migration)
            .bind(KIND)
            .bind(ROOM)
            .execute(&self.full)
            .await
            .map_err(|e| self.failed(doing, e))?;
        sqlx::query("DELETE FROM snapshot WHERE migration_id = ? AND kind = ?")
            .bind(migration)
            .bind(KIND)
            .execute(&self.full)
            .await
            .map_err(|e| self.failed(doing, e))?;
        // A reader that is in the way leaves the log as it is: there is room in the file then, and none promised in the log.
        sqlx::query("PRAGMA wal_checkpoint(RESTART)").execute(&self.full).await.map_err(|e| self.failed(doing, e))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture;

    #[tokio::test]
    async fn what_is_written_next_finds_room_in_the_log() {
        let (_folder, store, id) = fixture::with_migration().await;
        store.reserve(id).await.unwrap();
        let log = store.path().with_extension("db-wal");
        let size = || std::fs::metadata(&log).unwrap().len();
        let before = size();
        assert!(before > 1 << 20, "the room is the log's: {before} bytes");
        for n in 0..50 {
            store.put_snapshot(id, "live", n, &"x".repeat(4000)).await.unwrap();
        }
        assert_eq!(size(), before, "nothing of a switch makes the log grow");
    }
}
