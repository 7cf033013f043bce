//! Reads the complete schema of a database.

use async_trait::async_trait;
use switchyard_model::schema::Inventory;

use crate::error::Result;

/// How much of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// What a comparison needs.
    Definitions,
    /// Also sizes, rows and the last values of sequences.
    WithSizes,
}

/// Reads everything that a database holds, but its rows.
#[async_trait]
pub trait Schemas: Send + Sync {
    /// One reading, in one snapshot. What may not be seen is listed in it.
    ///
    /// # Errors
    /// When the server cannot be reached, or is too old.
    async fn schema(&self, extent: Extent) -> Result<Inventory>;
}
