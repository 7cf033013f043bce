//! Differences of the schemas that somebody accepted, per migration.

use switchyard_model::schema::accepted::Accepted;

use super::{MigrationId, Store};
use crate::error::Result;

/// What tells one entry from another: everything but the reason and who gave it.
fn key(entry: &Accepted) -> String {
    serde_json::json!([entry.object, entry.kind, entry.what, entry.source, entry.target]).to_string()
}

impl Store {
    /// Accepts a difference; a reason that was given before is replaced.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn accept(&self, migration: MigrationId, entry: &Accepted) -> Result<()> {
        let doing = "keeping an accepted difference";
        let text = serde_json::to_string(entry).map_err(|e| self.unreadable(doing, e))?;
        sqlx::query(
            "INSERT INTO accepted (migration_id, difference, document) VALUES (?, ?, ?)
             ON CONFLICT (migration_id, difference) DO UPDATE SET document = excluded.document",
        )
        .bind(migration)
        .bind(key(entry))
        .bind(text)
        .execute(&self.full)
        .await
        .map_err(|e| self.failed(doing, e))?;
        Ok(())
    }

    /// Takes one back; whether there was one.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn take_back(&self, migration: MigrationId, entry: &Accepted) -> Result<bool> {
        let done = sqlx::query("DELETE FROM accepted WHERE migration_id = ? AND difference = ?")
            .bind(migration)
            .bind(key(entry))
            .execute(&self.full)
            .await
            .map_err(|e| self.failed("taking an accepted difference back", e))?;
        Ok(done.rows_affected() > 0)
    }

    /// All of a migration, by what they are about.
    ///
    /// # Errors
    /// When the store cannot be read, or holds what is no entry.
    pub async fn accepted(&self, migration: MigrationId) -> Result<Vec<Accepted>> {
        let doing = "reading accepted differences";
        let all: Vec<String> =
            sqlx::query_scalar("SELECT document FROM accepted WHERE migration_id = ? ORDER BY difference")
                .bind(migration)
                .fetch_all(&self.full)
                .await
                .map_err(|e| self.failed(doing, e))?;
        all.iter().map(|text| serde_json::from_str(text).map_err(|e| self.unreadable(doing, e))).collect()
    }
}

#[cfg(test)]
mod tests {
    use switchyard_model::schema::Kind;

    use super::super::fixture;
    use super::*;

    fn entry(target: Option<&str>, reason: &str) -> Accepted {
        Accepted {
            object: "public.\"Odd, name\"".into(),
            kind: Kind::Column,
            what: "type".into(),
            source: Some("text".into()),
            target: target.map(str::to_owned),
            reason: reason.into(),
            by: Some("ann".into()),
        }
    }

    #[tokio::test]
    async fn an_entry_is_kept_replaced_and_taken_back() {
        let (_folder, store, id) = fixture::with_migration().await;
        store.accept(id, &entry(Some("varchar(10)"), "never longer")).await.unwrap();
        store.accept(id, &entry(Some("varchar(10)"), "checked on Monday")).await.unwrap();
        store.accept(id, &entry(None, "another value is another difference")).await.unwrap();
        let kept = store.accepted(id).await.unwrap();
        let reasons: Vec<&str> = kept.iter().map(|e| e.reason.as_str()).collect();
        assert_eq!(kept.len(), 2, "the same difference is kept once: {reasons:?}");
        assert!(reasons.contains(&"checked on Monday"), "with its newest reason: {reasons:?}");
        assert!(store.take_back(id, &entry(None, "")).await.unwrap(), "the reason need not be known");
        assert!(!store.take_back(id, &entry(None, "")).await.unwrap(), "it is gone");
        assert_eq!(store.accepted(id).await.unwrap(), [entry(Some("varchar(10)"), "checked on Monday")]);
    }

    #[tokio::test]
    async fn a_timeline_is_replaced_as_a_whole() {
        let (_folder, store, id) = fixture::with_migration().await;
        assert_eq!(store.timeline::<Vec<i64>>(id).await.unwrap(), None, "nobody changed anything");
        store.put_timeline(id, &[1, 2]).await.unwrap();
        store.put_timeline(id, &[3]).await.unwrap();
        assert_eq!(store.timeline::<Vec<i64>>(id).await.unwrap(), Some(vec![3]));
        let broken = store.timeline::<String>(id).await.unwrap_err();
        assert_eq!(broken.kind, crate::error::Kind::StoreDamaged, "what an operator decided is not taken for nothing");
    }
}
