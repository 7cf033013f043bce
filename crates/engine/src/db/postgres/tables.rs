//! Whole tables: which hold rows, emptying them, planner statistics.

use async_trait::async_trait;
use sqlx::AssertSqlSafe;
use switchyard_model::ident::TableName;

use super::PgDatabase;
use crate::{Result, db::Tables};

#[async_trait]
impl Tables for PgDatabase {
    async fn non_empty(&self, tables: &[TableName]) -> Result<Vec<TableName>> {
        let mut filled = Vec::new();
        for table in tables {
            let sql = format!("SELECT EXISTS (SELECT FROM {table})");
            let (there,): (bool,) = sqlx::query_as(AssertSqlSafe(sql))
                .persistent(false)
                .fetch_one(self.pool())
                .await
                .map_err(self.failed(&format!("looking for rows in {}", table.plain())))?;
            if there {
                filled.push(table.clone());
            }
        }
        Ok(filled)
    }

    async fn empty(&self, tables: &[TableName]) -> Result<()> {
        if tables.is_empty() {
            return Ok(());
        }
        let list: Vec<String> = tables.iter().map(TableName::to_string).collect();
        // One statement, so that foreign keys among them do not matter.
        let sql = format!("TRUNCATE {}", list.join(", "));
        sqlx::raw_sql(AssertSqlSafe(sql))
            .execute(self.pool())
            .await
            .map_err(self.failed("emptying the tables that the copy had begun to fill"))?;
        Ok(())
    }

    async fn analyze(&self, table: &TableName) -> Result<()> {
        let failed = || self.failed("gathering planner statistics");
        let mut connection = self.pool().acquire().await.map_err(failed())?;
        let sql = format!("SET statement_timeout = 0; ANALYZE {table}; RESET statement_timeout");
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *connection).await.map_err(failed())?;
        Ok(())
    }
}
