//! The journal in the store: append and read. Append is refused when the lease has moved on.

use sqlx::SqliteConnection;
use switchyard_model::{
    UnixMs,
    journal::{Entry, Recorded},
};

use super::{
    MigrationId, Store,
    chain::{self, Link},
};
use crate::error::{Error, Kind, Result};

/// What an append survives.
///
/// Inside a write pause every millisecond is the clients' own, so the intents there survive the death of the process but
/// not of the machine. That is enough: the start of the run was written with `Disk`, recovery undoes every step of such a
/// run whether or not its intent is there, and the point of no return is written with `Disk` again, which carries all
/// earlier entries to the disk with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// On the disk when it returns.
    Disk,
    /// With the operating system when it returns.
    Process,
}

/// An entry about to be recorded.
#[derive(Debug, Clone)]
pub struct NewEntry {
    /// When, for people.
    pub at: UnixMs,
    /// Who.
    pub by: String,
    /// Generation of the lease it is written under; 0 for entries that need none.
    pub generation: i64,
    /// The entry.
    pub entry: Entry,
}

impl Store {
    /// Appends entries in one transaction and returns them with their numbers.
    ///
    /// # Errors
    /// `LeaseLost` when an entry names a generation that is not the lease's present one; then nothing was written.
    pub async fn append(
        &self,
        migration: MigrationId,
        entries: Vec<NewEntry>,
        durability: Durability,
    ) -> Result<Vec<Recorded>> {
        let doing = "writing the journal";
        let pool = match durability {
            Durability::Disk => &self.full,
            Durability::Process => &self.quick,
        };
        let mut tx = pool.begin_with("BEGIN IMMEDIATE").await.map_err(|e| self.failed(doing, e))?;
        check_generation(self, &mut tx, migration, &entries).await?;
        let (mut seq, mut hash) = chain::tail(self, &mut tx, migration).await?;
        let mut recorded = Vec::with_capacity(entries.len());
        for new in entries {
            seq += 1;
            let text = serde_json::to_string(&new.entry).map_err(|e| self.unreadable(doing, e))?;
            let link = Link { seq, at: new.at, written_by: &new.by, generation: new.generation, entry: &text };
            hash = chain::next(&hash, &link);
            sqlx::query(
                "INSERT INTO journal (migration_id, seq, at, written_by, generation, entry, chain) \
                 VALUES (?, ?, ?, ?, ?, ?, ?)",
            )
            .bind(migration)
            .bind(seq)
            .bind(new.at)
            .bind(&new.by)
            .bind(new.generation)
            .bind(&text)
            .bind(&hash)
            .execute(&mut *tx)
            .await
            .map_err(|e| self.failed(doing, e))?;
            recorded.push(Recorded { seq, at: new.at, by: new.by, generation: new.generation, entry: new.entry });
        }
        tx.commit().await.map_err(|e| self.failed(doing, e))?;
        Ok(recorded)
    }

    /// Entries after a number, oldest first.
    pub async fn journal(&self, migration: MigrationId, after: i64) -> Result<Vec<Recorded>> {
        let doing = "reading the journal";
        let rows: Vec<(i64, i64, String, i64, String)> = sqlx::query_as(
            "SELECT seq, at, written_by, generation, entry FROM journal WHERE migration_id = ? AND seq > ? ORDER BY seq",
        )
        .bind(migration)
        .bind(after)
        .fetch_all(&self.full)
        .await
        .map_err(|e| self.failed(doing, e))?;
        rows.into_iter()
            .map(|(seq, at, by, generation, text)| {
                let entry = serde_json::from_str(&text).map_err(|e| self.unreadable(doing, e))?;
                Ok(Recorded { seq, at, by, generation, entry })
            })
            .collect()
    }
}

async fn check_generation(
    store: &Store,
    tx: &mut SqliteConnection,
    migration: MigrationId,
    entries: &[NewEntry],
) -> Result<()> {
    let doing = "writing the journal";
    if entries.iter().all(|e| e.generation == 0) {
        return Ok(());
    }
    let lease: Option<(i64, String)> = sqlx::query_as("SELECT generation, holder FROM lease WHERE migration_id = ?")
        .bind(migration)
        .fetch_optional(tx)
        .await
        .map_err(|e| store.failed(doing, e))?;
    let Some((present, holder)) = lease else {
        return Err(Error::new(Kind::LeaseLost, doing, "nobody holds the lease of this migration any more"));
    };
    if entries.iter().any(|e| e.generation != 0 && e.generation != present) {
        return Err(Error::new(Kind::LeaseLost, doing, format!("{holder} has taken the lease of this migration over")));
    }
    Ok(())
}
