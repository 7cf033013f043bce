//! How far comparisons have come, with what they found until there.

use serde::{Serialize, de::DeserializeOwned};
use sqlx::SqliteConnection;
use switchyard_model::{UnixMs, ident::TableName};

use super::{MigrationId, Store};
use crate::error::Result;

impl Store {
    /// Keeps how far a table's comparison that began at `began` has come, together with what it found until there.
    ///
    /// # Errors
    /// When the store cannot be written; so for all of these.
    pub async fn put_checkpoint(
        &self,
        migration: MigrationId,
        table: &TableName,
        began: UnixMs,
        document: &impl Serialize,
    ) -> Result<()> {
        let doing = "keeping how far a comparison has come";
        let text = serde_json::to_string(document).map_err(|e| self.unreadable(doing, e))?;
        let mut tx = self.quick.begin_with("BEGIN IMMEDIATE").await.map_err(|e| self.failed(doing, e))?;
        let settle =
            "UPDATE finding SET behind = NULL WHERE migration_id = ? AND schema = ? AND name = ? AND behind = ?";
        sqlx::query(settle)
            .bind(migration)
            .bind(&table.schema)
            .bind(&table.name)
            .bind(began)
            .execute(&mut *tx)
            .await
            .map_err(|e| self.failed(doing, e))?;
        sqlx::query(
            "INSERT INTO checkpoint (migration_id, schema, name, document) VALUES (?, ?, ?, ?)
             ON CONFLICT (migration_id, schema, name) DO UPDATE SET document = excluded.document",
        )
        .bind(migration)
        .bind(&table.schema)
        .bind(&table.name)
        .bind(text)
        .execute(&mut *tx)
        .await
        .map_err(|e| self.failed(doing, e))?;
        tx.commit().await.map_err(|e| self.failed(doing, e))
    }

    /// How far the last comparison of a table came. A document of another version is none.
    pub async fn checkpoint<T: DeserializeOwned>(
        &self,
        migration: MigrationId,
        table: &TableName,
    ) -> Result<Option<T>> {
        let text: Option<(String,)> =
            sqlx::query_as("SELECT document FROM checkpoint WHERE migration_id = ? AND schema = ? AND name = ?")
                .bind(migration)
                .bind(&table.schema)
                .bind(&table.name)
                .fetch_optional(&self.full)
                .await
                .map_err(|e| self.failed("reading how far a comparison came", e))?;
        Ok(text.and_then(|(text,)| serde_json::from_str(&text).ok()))
    }

    /// A comparison is gone on with from its checkpoint: forgets what it had found behind it.
    pub async fn drop_findings_behind(&self, migration: MigrationId, table: &TableName, began: UnixMs) -> Result<()> {
        let sql = "DELETE FROM finding WHERE migration_id = ? AND schema = ? AND name = ? AND behind = ?";
        sqlx::query(sql)
            .bind(migration)
            .bind(&table.schema)
            .bind(&table.name)
            .bind(began)
            .execute(&self.quick)
            .await
            .map_err(|e| self.failed("forgetting findings", e))?;
        Ok(())
    }

    /// A comparison came to its end, or begins at its beginning.
    pub async fn drop_checkpoint(&self, migration: MigrationId, table: &TableName) -> Result<()> {
        let doing = "ending a comparison";
        let mut tx = self.quick.begin_with("BEGIN IMMEDIATE").await.map_err(|e| self.failed(doing, e))?;
        for sql in [
            "UPDATE finding SET behind = NULL WHERE migration_id = ? AND schema = ? AND name = ? AND behind IS NOT NULL",
            "DELETE FROM checkpoint WHERE migration_id = ? AND schema = ? AND name = ?",
        ] {
            of(&mut tx, sql, migration, table).await.map_err(|e| self.failed(doing, e))?;
        }
        tx.commit().await.map_err(|e| self.failed(doing, e))
    }
}

async fn of(
    connection: &mut SqliteConnection,
    sql: &'static str,
    migration: MigrationId,
    table: &TableName,
) -> sqlx::Result<()> {
    let query = sqlx::query(sql).bind(migration).bind(&table.schema).bind(&table.name);
    query.execute(connection).await.map(drop)
}
