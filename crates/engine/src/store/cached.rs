//! A document kept in memory: read from the store again only when another one has been written there.

use std::sync::{Arc, Mutex, PoisonError};

use serde::de::DeserializeOwned;
use switchyard_model::UnixMs;

use super::{MigrationId, Store};
use crate::error::Result;

/// One kind of document of one migration, in its newest version.
#[derive(Debug)]
pub struct Cached<T> {
    kind: &'static str,
    kept: Mutex<Option<(UnixMs, Arc<T>)>>,
}

impl<T: DeserializeOwned> Cached<T> {
    /// Nothing is read yet.
    pub fn new(kind: &'static str) -> Self {
        Cached { kind, kept: Mutex::new(None) }
    }

    /// The document and when it was written. One of another version reads as absent, as in [`Store::snapshot`].
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn get(&self, store: &Store, migration: MigrationId) -> Result<Option<(UnixMs, Arc<T>)>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let row: Option<(UnixMs, Option<String>)> = sqlx::query_as(
            "SELECT at, CASE WHEN at = ? THEN NULL ELSE document END FROM snapshot WHERE migration_id = ? AND kind = ?",
        )
        .bind(kept.as_ref().map(|(at, _)| *at))
        .bind(migration)
        .bind(self.kind)
        .fetch_optional(&store.full)
        .await
        .map_err(|e| store.failed("reading a snapshot", e))?;
        let newest = match row {
            None => None,
            Some((_, None)) => return Ok(kept),
            Some((at, Some(text))) => serde_json::from_str(&text).ok().map(|document| (at, Arc::new(document))),
        };
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = newest.clone();
        Ok(newest)
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;

    #[tokio::test]
    async fn a_document_is_read_again_when_it_is_another() {
        let (_folder, store, id) = fixture::with_migration().await;
        let cached = Cached::<String>::new("word");
        let get = async || cached.get(&store, id).await.unwrap();
        assert_eq!(get().await, None, "nothing was written");
        store.put_snapshot(id, "word", 10, &"first").await.unwrap();
        let first = get().await.unwrap();
        assert_eq!((first.0, first.1.as_str()), (10, "first"));
        let again = get().await.unwrap();
        assert!(Arc::ptr_eq(&first.1, &again.1), "the same document is not parsed twice");
        store.put_snapshot(id, "word", 11, &"second").await.unwrap();
        assert_eq!(get().await.unwrap().1.as_str(), "second", "a newer one is");
        store.put_snapshot(id, "word", 12, &[1, 2]).await.unwrap();
        assert_eq!(get().await, None, "what cannot be read is measured again, not served from memory");
    }
}
