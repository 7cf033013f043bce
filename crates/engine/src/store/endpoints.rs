//! Endpoints in the store.

use switchyard_model::endpoint::Endpoint;

use super::Store;
use crate::error::{Error, Kind, Result};

impl Store {
    /// All endpoints by name.
    pub async fn endpoints(&self) -> Result<Vec<Endpoint>> {
        let doing = "reading the endpoints";
        let rows: Vec<(String,)> = sqlx::query_as("SELECT fields FROM endpoint ORDER BY name")
            .fetch_all(&self.full)
            .await
            .map_err(|e| self.failed(doing, e))?;
        rows.iter().map(|(text,)| serde_json::from_str(text).map_err(|e| self.unreadable(doing, e))).collect()
    }

    /// One endpoint.
    pub async fn endpoint(&self, name: &str) -> Result<Endpoint> {
        let doing = format!("reading endpoint “{name}”");
        let row: Option<(String,)> = sqlx::query_as("SELECT fields FROM endpoint WHERE name = ?")
            .bind(name)
            .fetch_optional(&self.full)
            .await
            .map_err(|e| self.failed(&doing, e))?;
        let (text,) = row.ok_or_else(|| Error::new(Kind::NotFound, &doing, "there is no endpoint of this name"))?;
        serde_json::from_str(&text).map_err(|e| self.unreadable(&doing, e))
    }

    /// Makes or replaces an endpoint.
    pub async fn save_endpoint(&self, endpoint: &Endpoint) -> Result<()> {
        let doing = format!("saving endpoint “{}”", endpoint.name);
        let text = serde_json::to_string(endpoint).map_err(|e| self.unreadable(&doing, e))?;
        sqlx::query(
            "INSERT INTO endpoint (name, fields) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET fields = excluded.fields",
        )
        .bind(&endpoint.name)
        .bind(text)
        .execute(&self.full)
        .await
        .map_err(|e| self.failed(&doing, e))?;
        Ok(())
    }

    /// Deletes an endpoint; deleting an absent one is fine.
    pub async fn delete_endpoint(&self, name: &str) -> Result<()> {
        sqlx::query("DELETE FROM endpoint WHERE name = ?")
            .bind(name)
            .execute(&self.full)
            .await
            .map_err(|e| self.failed(&format!("deleting endpoint “{name}”"), e))?;
        Ok(())
    }
}
