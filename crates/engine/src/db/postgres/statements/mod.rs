//! Statements of a PostgreSQL server: `pg_stat_statements`, `EXPLAIN`, indexes, and the server's own log.

mod explain;
mod index;
mod log;
mod logged;
mod reading;

use async_trait::async_trait;
use switchyard_model::{UnixMs, ident::TableName};
use switchyard_queries::index::Definition;

use super::PgDatabase;
use crate::{
    Result,
    db::statements::{Explain, Explained, Index, Reading, ServerLog, Statements},
};

#[async_trait]
impl Statements for PgDatabase {
    async fn reading(&self, own: bool) -> Result<Reading> {
        reading::read(self, own).await
    }

    async fn explain(&self, what: Explain<'_>) -> Result<Explained> {
        explain::explain(self, what).await
    }

    async fn indexes(&self, table: &TableName) -> Result<Option<Vec<Index>>> {
        index::all(self, table).await
    }

    async fn create_index(&self, table: &TableName, definition: &Definition) -> Result<()> {
        index::create(self, table, definition).await
    }

    async fn log_prefix(&self) -> Result<String> {
        log::prefix(self).await
    }

    async fn not_logged(&self, role: Option<&str>) -> Result<Vec<String>> {
        logged::lacking(self, role).await
    }

    async fn logs(&self, since: Option<UnixMs>) -> Result<Vec<ServerLog>> {
        log::files(self, since).await
    }

    async fn log_piece(&self, log: &ServerLog, from: u64, most: u64) -> Result<Vec<u8>> {
        log::piece(self, log, from, most).await
    }
}
