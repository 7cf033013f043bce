//! What an operator changed in a migration's timeline.

use serde::{Serialize, de::DeserializeOwned};

use super::{MigrationId, Store};
use crate::error::Result;

impl Store {
    /// Replaces what was changed.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn put_timeline<T: Serialize>(&self, migration: MigrationId, edits: &T) -> Result<()> {
        let doing = "keeping the timeline's changes";
        let text = serde_json::to_string(edits).map_err(|e| self.unreadable(doing, e))?;
        sqlx::query(
            "INSERT INTO timeline (migration_id, document) VALUES (?, ?)
             ON CONFLICT (migration_id) DO UPDATE SET document = excluded.document",
        )
        .bind(migration)
        .bind(text)
        .execute(&self.full)
        .await
        .map_err(|e| self.failed(doing, e))?;
        Ok(())
    }

    /// What was changed; None where nobody changed anything.
    ///
    /// # Errors
    /// When the store cannot be read. A document that cannot be understood is none that may be lost: that is an error too.
    pub async fn timeline<T: DeserializeOwned>(&self, migration: MigrationId) -> Result<Option<T>> {
        let doing = "reading the timeline's changes";
        let text: Option<String> = sqlx::query_scalar("SELECT document FROM timeline WHERE migration_id = ?")
            .bind(migration)
            .fetch_optional(&self.full)
            .await
            .map_err(|e| self.failed(doing, e))?;
        text.map(|text| serde_json::from_str(&text).map_err(|e| self.unreadable(doing, e))).transpose()
    }
}
