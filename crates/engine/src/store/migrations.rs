//! Migrations in the store: a number and a name; everything else is in the journal.

use switchyard_model::{UnixMs, journal::Entry, migration::MigrationSpec};

use super::{
    Store,
    chain::{self, Link},
};
use crate::error::{Error, Kind, Result};

/// Number of a migration in this store.
pub type MigrationId = i64;

impl Store {
    /// Makes a migration with the first entry of its journal, in one transaction.
    ///
    /// # Errors
    /// `Refused` when the name is taken.
    pub async fn create_migration(&self, spec: &MigrationSpec, by: &str, now: UnixMs) -> Result<MigrationId> {
        let doing = format!("creating migration “{}”", spec.name);
        let entry =
            serde_json::to_string(&Entry::Created { spec: spec.clone() }).map_err(|e| self.unreadable(&doing, e))?;
        let mut tx = self.full.begin_with("BEGIN IMMEDIATE").await.map_err(|e| self.failed(&doing, e))?;
        let taken: Option<(i64,)> = sqlx::query_as("SELECT id FROM migration WHERE name = ?")
            .bind(&spec.name)
            .fetch_optional(&mut *tx)
            .await
            .map_err(|e| self.failed(&doing, e))?;
        if taken.is_some() {
            return Err(Error::new(Kind::Refused, &doing, "the name is taken; choose another"));
        }
        let (id,): (i64,) = sqlx::query_as("INSERT INTO migration (name, created) VALUES (?, ?) RETURNING id")
            .bind(&spec.name)
            .bind(now)
            .fetch_one(&mut *tx)
            .await
            .map_err(|e| self.failed(&doing, e))?;
        let link = Link { seq: 1, at: now, written_by: by, generation: 0, entry: entry.as_str() };
        let hash = chain::next("", &link);
        sqlx::query(
            "INSERT INTO journal (migration_id, seq, at, written_by, generation, entry, chain) VALUES (?, 1, ?, ?, 0, ?, ?)",
        )
        .bind(id)
        .bind(now)
        .bind(by)
        .bind(&entry)
        .bind(hash)
        .execute(&mut *tx)
        .await
        .map_err(|e| self.failed(&doing, e))?;
        tx.commit().await.map_err(|e| self.failed(&doing, e))?;
        Ok(id)
    }

    /// All migrations: number, name, creation; newest first.
    pub async fn migrations(&self) -> Result<Vec<(MigrationId, String, UnixMs)>> {
        sqlx::query_as("SELECT id, name, created FROM migration ORDER BY id DESC")
            .fetch_all(&self.full)
            .await
            .map_err(|e| self.failed("reading the migrations", e))
    }

    /// The number of a migration.
    pub async fn migration_id(&self, name: &str) -> Result<MigrationId> {
        let doing = format!("opening migration “{name}”");
        let row: Option<(i64,)> = sqlx::query_as("SELECT id FROM migration WHERE name = ?")
            .bind(name)
            .fetch_optional(&self.full)
            .await
            .map_err(|e| self.failed(&doing, e))?;
        row.map(|(id,)| id).ok_or_else(|| Error::new(Kind::NotFound, doing, "there is no migration of this name"))
    }
}
