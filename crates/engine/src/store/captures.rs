//! The captures that were made or opened on this machine: where each lies, and what is known of it without its values.

use serde::{Serialize, de::DeserializeOwned};
use switchyard_model::UnixMs;

use super::Store;
use crate::error::Result;

impl Store {
    /// Lists a capture, in place of what was known of its file.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn put_capture<T: Serialize>(&self, file: &str, added: UnixMs, known: &T) -> Result<()> {
        let doing = "listing a capture";
        let text = serde_json::to_string(known).map_err(|e| self.unreadable(doing, e))?;
        sqlx::query(
            "INSERT INTO capture (file, added, document) VALUES (?, ?, ?)
             ON CONFLICT (file) DO UPDATE SET document = excluded.document",
        )
        .bind(file)
        .bind(added)
        .bind(text)
        .execute(&self.full)
        .await
        .map_err(|e| self.failed(doing, e))?;
        Ok(())
    }

    /// Every capture that is listed, the one that was added last first.
    ///
    /// # Errors
    /// When the store cannot be read, or holds what this version does not understand.
    pub async fn captures<T: DeserializeOwned>(&self) -> Result<Vec<(String, UnixMs, T)>> {
        let doing = "reading the list of captures";
        let rows: Vec<(String, UnixMs, String)> =
            sqlx::query_as("SELECT file, added, document FROM capture ORDER BY added DESC, file")
                .fetch_all(&self.full)
                .await
                .map_err(|e| self.failed(doing, e))?;
        let read = |(file, added, text): (String, UnixMs, String)| {
            Ok((file, added, serde_json::from_str(&text).map_err(|e| self.unreadable(doing, e))?))
        };
        rows.into_iter().map(read).collect()
    }

    /// Takes a capture off the list; whether it was there. Its file stays.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn forget_capture(&self, file: &str) -> Result<bool> {
        let gone = sqlx::query("DELETE FROM capture WHERE file = ?").bind(file).execute(&self.full).await;
        Ok(gone.map_err(|e| self.failed("forgetting a capture", e))?.rows_affected() > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture;

    #[tokio::test]
    async fn a_capture_is_listed_once_and_can_be_forgotten() {
        let (_folder, store, _) = fixture::with_migration().await;
        store.put_capture("/a", 1, &1).await.unwrap();
        store.put_capture("/b", 2, &2).await.unwrap();
        store.put_capture("/a", 3, &4).await.unwrap();
        let all: Vec<(String, i64, i32)> = store.captures().await.unwrap();
        assert_eq!(all, [("/b".into(), 2, 2), ("/a".into(), 1, 4)], "it keeps its place and says what is known now");
        assert!(store.forget_capture("/a").await.unwrap());
        assert!(!store.forget_capture("/a").await.unwrap(), "what is not there is not forgotten twice");
    }
}
