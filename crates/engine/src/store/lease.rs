//! The lease: who drives a migration.
//!
//! A holder renews it every second; it lapses after [`TTL_MS`]. Taking it increases its generation, which fences a holder
//! that slept: its next append to the journal is refused.

use switchyard_model::UnixMs;

use super::{MigrationId, Store};
use crate::error::Result;

/// Life of a lease without renewal, ms.
pub const TTL_MS: i64 = 6_000;

/// The lease as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// `user@host (pid)`.
    pub holder: String,
    /// Increases each time the lease changes hands.
    pub generation: i64,
    /// Since when this holder has it.
    pub since: UnixMs,
    /// When it lapses.
    pub expires: UnixMs,
}

impl Store {
    /// The lease, lapsed or not.
    pub async fn lease(&self, migration: MigrationId) -> Result<Option<Lease>> {
        let row: Option<(String, i64, i64, i64)> =
            sqlx::query_as("SELECT holder, generation, since, expires FROM lease WHERE migration_id = ?")
                .bind(migration)
                .fetch_optional(&self.full)
                .await
                .map_err(|e| self.failed("reading the lease", e))?;
        Ok(row.map(|(holder, generation, since, expires)| Lease { holder, generation, since, expires }))
    }

    /// Takes the lease if nobody holds it, or if `holder` does already (then it is renewed). Returns it, and the holder it
    /// was taken from when that one had let it lapse; or None while somebody else holds it.
    pub async fn take_lease(
        &self,
        migration: MigrationId,
        holder: &str,
        now: UnixMs,
    ) -> Result<Option<(Lease, Option<String>)>> {
        let doing = "taking the lease";
        let mut tx = self.full.begin_with("BEGIN IMMEDIATE").await.map_err(|e| self.failed(doing, e))?;
        let old: Option<(String, i64, i64, i64)> =
            sqlx::query_as("SELECT holder, generation, since, expires FROM lease WHERE migration_id = ?")
                .bind(migration)
                .fetch_optional(&mut *tx)
                .await
                .map_err(|e| self.failed(doing, e))?;
        let (generation, since, taken_from) = match old {
            None => (1, now, None),
            Some((who, generation, since, _)) if who == holder => (generation, since, None),
            Some((_, _, _, expires)) if expires > now => return Ok(None),
            Some((who, generation, _, expires)) => (generation + 1, now, (expires > 0).then_some(who)),
        };
        let lease = Lease { holder: holder.to_owned(), generation, since, expires: now + TTL_MS };
        sqlx::query(
            "INSERT INTO lease (migration_id, holder, generation, since, expires) VALUES (?, ?, ?, ?, ?)
             ON CONFLICT (migration_id) DO UPDATE SET holder = excluded.holder, generation = excluded.generation,
             since = excluded.since, expires = excluded.expires",
        )
        .bind(migration)
        .bind(&lease.holder)
        .bind(lease.generation)
        .bind(lease.since)
        .bind(lease.expires)
        .execute(&mut *tx)
        .await
        .map_err(|e| self.failed(doing, e))?;
        tx.commit().await.map_err(|e| self.failed(doing, e))?;
        Ok(Some((lease, taken_from)))
    }

    /// Takes the lease from a holder that is known to be dead or frozen; false when somebody else has it by now.
    pub async fn seize_lease(&self, migration: MigrationId, from: &str, holder: &str, now: UnixMs) -> Result<bool> {
        let done = sqlx::query(
            "UPDATE lease SET holder = ?, generation = generation + 1, since = ?, expires = ?
             WHERE migration_id = ? AND holder = ?",
        )
        .bind(holder)
        .bind(now)
        .bind(now + TTL_MS)
        .bind(migration)
        .bind(from)
        .execute(&self.full)
        .await
        .map_err(|e| self.failed("seizing the lease", e))?;
        Ok(done.rows_affected() == 1)
    }

    /// Renews a lease; false when it has moved on.
    pub async fn renew_lease(&self, migration: MigrationId, lease: &Lease, now: UnixMs) -> Result<bool> {
        let done = sqlx::query("UPDATE lease SET expires = ? WHERE migration_id = ? AND holder = ? AND generation = ?")
            .bind(now + TTL_MS)
            .bind(migration)
            .bind(&lease.holder)
            .bind(lease.generation)
            .execute(&self.full)
            .await
            .map_err(|e| self.failed("renewing the lease", e))?;
        Ok(done.rows_affected() == 1)
    }

    /// Gives the lease back, so that the next process need not wait; the generation stays, to fence us.
    pub async fn drop_lease(&self, migration: MigrationId, lease: &Lease) -> Result<()> {
        sqlx::query("UPDATE lease SET expires = 0 WHERE migration_id = ? AND holder = ? AND generation = ?")
            .bind(migration)
            .bind(&lease.holder)
            .bind(lease.generation)
            .execute(&self.full)
            .await
            .map_err(|e| self.failed("giving the lease back", e))?;
        Ok(())
    }
}
