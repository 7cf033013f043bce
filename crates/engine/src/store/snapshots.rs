//! Snapshots: what the holder's reconcilers last saw, so that every host shows the same without connecting itself.

use serde::{Serialize, de::DeserializeOwned};
use switchyard_model::UnixMs;

use super::{MigrationId, Store};
use crate::error::Result;

impl Store {
    /// Replaces the document of this kind.
    pub async fn put_snapshot<T: Serialize>(
        &self,
        migration: MigrationId,
        kind: &str,
        now: UnixMs,
        document: &T,
    ) -> Result<()> {
        let doing = "writing a snapshot";
        let text = serde_json::to_string(document).map_err(|e| self.unreadable(doing, e))?;
        // A snapshot lost with the machine is measured again a second later.
        sqlx::query(
            "INSERT INTO snapshot (migration_id, kind, at, document) VALUES (?, ?, ?, ?)
             ON CONFLICT (migration_id, kind) DO UPDATE SET at = excluded.at, document = excluded.document",
        )
        .bind(migration)
        .bind(kind)
        .bind(now)
        .bind(text)
        .execute(&self.quick)
        .await
        .map_err(|e| self.failed(doing, e))?;
        Ok(())
    }

    /// The document of this kind and when it was written. A document of another version reads as absent: it is measured
    /// again.
    pub async fn snapshot<T: DeserializeOwned>(
        &self,
        migration: MigrationId,
        kind: &str,
    ) -> Result<Option<(UnixMs, T)>> {
        let row: Option<(i64, String)> =
            sqlx::query_as("SELECT at, document FROM snapshot WHERE migration_id = ? AND kind = ?")
                .bind(migration)
                .bind(kind)
                .fetch_optional(&self.full)
                .await
                .map_err(|e| self.failed("reading a snapshot", e))?;
        Ok(row.and_then(|(at, text)| serde_json::from_str(&text).ok().map(|document| (at, document))))
    }
}
