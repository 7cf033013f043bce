//! What reconciliation found: where each table stands, every row that differs, and what an operator wants compared now.

use sqlx::QueryBuilder;
use switchyard_model::{
    UnixMs,
    ident::TableName,
    reconcile::{Finding, Standing},
};

use super::{MigrationId, Store};
use crate::error::Result;

/// Findings in one statement.
const AT_ONCE: usize = 500;

/// A finding with its number in the store.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptFinding {
    /// Its number; stays the same while the row stays different.
    pub id: i64,
    /// The table, by the source's name.
    pub table: TableName,
    /// What was found.
    pub finding: Finding,
}

/// What tells a table's rows apart in the store.
fn row(finding: &Finding) -> serde_json::Result<String> {
    serde_json::to_string(&finding.key)
}

impl Store {
    /// Keeps where a table stands.
    ///
    /// # Errors
    /// When the store cannot be written; so for all of these.
    pub async fn put_standing(&self, migration: MigrationId, standing: &Standing) -> Result<()> {
        let doing = "keeping where a table stands";
        let text = serde_json::to_string(standing).map_err(|e| self.unreadable(doing, e))?;
        sqlx::query(
            "INSERT INTO standing (migration_id, schema, name, document) VALUES (?, ?, ?, ?)
             ON CONFLICT (migration_id, schema, name) DO UPDATE SET document = excluded.document",
        )
        .bind(migration)
        .bind(&standing.table.schema)
        .bind(&standing.table.name)
        .bind(text)
        .execute(&self.quick)
        .await
        .map_err(|e| self.failed(doing, e))?;
        Ok(())
    }

    /// Where all tables stand, by name. A document of another version is left out: the table is compared again.
    pub async fn standings(&self, migration: MigrationId) -> Result<Vec<Standing>> {
        let rows: Vec<(String,)> =
            sqlx::query_as("SELECT document FROM standing WHERE migration_id = ? ORDER BY schema, name")
                .bind(migration)
                .fetch_all(&self.full)
                .await
                .map_err(|e| self.failed("reading where tables stand", e))?;
        Ok(rows.iter().filter_map(|(text,)| serde_json::from_str(text).ok()).collect())
    }

    /// Forgets a table and its findings: it is no longer compared.
    pub async fn drop_standing(&self, migration: MigrationId, table: &TableName) -> Result<()> {
        for sql in [
            "DELETE FROM finding WHERE migration_id = ? AND schema = ? AND name = ?",
            "DELETE FROM checkpoint WHERE migration_id = ? AND schema = ? AND name = ?",
            "DELETE FROM standing WHERE migration_id = ? AND schema = ? AND name = ?",
        ] {
            sqlx::query(sql)
                .bind(migration)
                .bind(&table.schema)
                .bind(&table.name)
                .execute(&self.quick)
                .await
                .map_err(|e| self.failed("forgetting a table", e))?;
        }
        Ok(())
    }

    /// Keeps findings of a table; one of a row that is there already takes its place. `behind`: when the comparison began
    /// that found them, for as long as it has not kept how far it came.
    pub async fn put_findings(
        &self,
        migration: MigrationId,
        table: &TableName,
        findings: &[Finding],
        behind: Option<UnixMs>,
    ) -> Result<()> {
        let doing = "keeping findings";
        for some in findings.chunks(AT_ONCE) {
            let mut texts = Vec::with_capacity(some.len());
            for finding in some {
                let pair = row(finding).and_then(|row| Ok((row, serde_json::to_string(finding)?)));
                texts.push((pair.map_err(|e| self.unreadable(doing, e))?, finding.at));
            }
            let mut sql =
                QueryBuilder::new("INSERT INTO finding (migration_id, schema, name, row, at, document, behind) ");
            sql.push_values(texts, |mut values, ((row, document), at)| {
                values.push_bind(migration).push_bind(&table.schema).push_bind(&table.name);
                values.push_bind(row).push_bind(at).push_bind(document).push_bind(behind);
            });
            sql.push(
                " ON CONFLICT (migration_id, schema, name, row) DO UPDATE
                   SET at = excluded.at, document = excluded.document, behind = excluded.behind",
            );
            sql.build().execute(&self.quick).await.map_err(|e| self.failed(doing, e))?;
        }
        Ok(())
    }

    /// Forgets a table's findings that were last looked at before an instant.
    pub async fn drop_findings_before(&self, migration: MigrationId, table: &TableName, before: UnixMs) -> Result<()> {
        sqlx::query("DELETE FROM finding WHERE migration_id = ? AND schema = ? AND name = ? AND at < ?")
            .bind(migration)
            .bind(&table.schema)
            .bind(&table.name)
            .bind(before)
            .execute(&self.quick)
            .await
            .map_err(|e| self.failed("forgetting findings", e))?;
        Ok(())
    }

    /// Forgets the findings of these rows, named by their keys; returns how many there were.
    pub async fn drop_findings(
        &self,
        migration: MigrationId,
        table: &TableName,
        keys: &[Vec<(String, String)>],
    ) -> Result<u64> {
        let doing = "forgetting findings";
        let mut dropped = 0;
        for some in keys.chunks(AT_ONCE) {
            let mut rows = Vec::with_capacity(some.len());
            for key in some {
                rows.push(serde_json::to_string(key).map_err(|e| self.unreadable(doing, e))?);
            }
            let mut sql = QueryBuilder::new("DELETE FROM finding WHERE migration_id = ");
            sql.push_bind(migration).push(" AND schema = ").push_bind(&table.schema);
            sql.push(" AND name = ").push_bind(&table.name).push(" AND row IN (");
            let mut list = sql.separated(", ");
            for row in rows {
                list.push_bind(row);
            }
            sql.push(")");
            dropped += sql.build().execute(&self.quick).await.map_err(|e| self.failed(doing, e))?.rows_affected();
        }
        Ok(dropped)
    }

    /// How many findings a table has.
    pub async fn count_findings(&self, migration: MigrationId, table: &TableName) -> Result<i64> {
        sqlx::query_scalar("SELECT count(*) FROM finding WHERE migration_id = ? AND schema = ? AND name = ?")
            .bind(migration)
            .bind(&table.schema)
            .bind(&table.name)
            .fetch_one(&self.full)
            .await
            .map_err(|e| self.failed("counting findings", e))
    }

    /// A table's findings with numbers above `after`, at most `most` of them, in the order of their numbers.
    pub async fn findings(
        &self,
        migration: MigrationId,
        table: &TableName,
        after: i64,
        most: i64,
    ) -> Result<Vec<KeptFinding>> {
        let rows: Vec<(i64, String)> = sqlx::query_as(
            "SELECT id, document FROM finding
             WHERE migration_id = ? AND schema = ? AND name = ? AND id > ? ORDER BY id LIMIT ?",
        )
        .bind(migration)
        .bind(&table.schema)
        .bind(&table.name)
        .bind(after)
        .bind(most)
        .fetch_all(&self.full)
        .await
        .map_err(|e| self.failed("reading findings", e))?;
        let kept = |(id, text): (i64, String)| {
            let finding = serde_json::from_str(&text).map_err(|e| self.unreadable("reading findings", e))?;
            Ok(KeptFinding { id, table: table.clone(), finding })
        };
        rows.into_iter().map(kept).collect()
    }

    /// One finding by its number; None once its row is equal.
    pub async fn finding(&self, migration: MigrationId, id: i64) -> Result<Option<KeptFinding>> {
        let row: Option<(String, String, String)> =
            sqlx::query_as("SELECT schema, name, document FROM finding WHERE migration_id = ? AND id = ?")
                .bind(migration)
                .bind(id)
                .fetch_optional(&self.full)
                .await
                .map_err(|e| self.failed("reading a finding", e))?;
        let Some((schema, name, text)) = row else { return Ok(None) };
        let finding = serde_json::from_str(&text).map_err(|e| self.unreadable("reading a finding", e))?;
        Ok(Some(KeptFinding { id, table: TableName { schema, name }, finding }))
    }

    /// Asks whoever drives to compare a table now.
    pub async fn want_compared(&self, migration: MigrationId, table: &TableName) -> Result<()> {
        sqlx::query("INSERT OR IGNORE INTO compare_now (migration_id, schema, name) VALUES (?, ?, ?)")
            .bind(migration)
            .bind(&table.schema)
            .bind(&table.name)
            .execute(&self.full)
            .await
            .map_err(|e| self.failed("asking for a comparison", e))?;
        Ok(())
    }

    /// What was asked for and not yet taken.
    pub async fn wanted(&self, migration: MigrationId) -> Result<Vec<TableName>> {
        let rows: Vec<(String, String)> = sqlx::query_as("SELECT schema, name FROM compare_now WHERE migration_id = ?")
            .bind(migration)
            .fetch_all(&self.full)
            .await
            .map_err(|e| self.failed("reading what shall be compared", e))?;
        Ok(rows.into_iter().map(|(schema, name)| TableName { schema, name }).collect())
    }

    /// Takes what was asked for.
    pub async fn take_wanted(&self, migration: MigrationId) -> Result<Vec<TableName>> {
        let rows: Vec<(String, String)> =
            sqlx::query_as("DELETE FROM compare_now WHERE migration_id = ? RETURNING schema, name")
                .bind(migration)
                .fetch_all(&self.full)
                .await
                .map_err(|e| self.failed("reading what shall be compared", e))?;
        Ok(rows.into_iter().map(|(schema, name)| TableName { schema, name }).collect())
    }
}

#[cfg(test)]
mod tests {
    use switchyard_model::reconcile::FindingKind;

    use super::super::fixture;
    use super::*;

    fn finding(id: &str, at: UnixMs) -> Finding {
        Finding {
            key: vec![("id".to_owned(), id.to_owned())],
            kind: FindingKind::Different,
            columns: Vec::new(),
            rows_source: 1,
            rows_target: 1,
            at,
            seen: None,
        }
    }

    #[tokio::test]
    async fn a_new_pass_replaces_findings_without_a_moment_in_which_none_are_there() {
        let (_folder, store, id) = fixture::with_migration().await;
        let table = TableName::new("public", "orders");
        store.put_findings(id, &table, &[finding("1", 10), finding("2", 10)], None).await.unwrap();
        let first = store.findings(id, &table, 0, 10).await.unwrap();
        store.put_findings(id, &table, &[finding("2", 20)], None).await.unwrap();
        assert_eq!(store.count_findings(id, &table).await.unwrap(), 2, "the old ones stay until the pass has ended");
        store.drop_findings_before(id, &table, 20).await.unwrap();
        let left = store.findings(id, &table, 0, 10).await.unwrap();
        assert_eq!(left.len(), 1, "what the new pass did not find again is gone");
        assert_eq!(left[0].id, first[1].id, "a row that stays different keeps its number, which a repair may name");
        assert_eq!(store.drop_findings(id, &table, &[left[0].finding.key.clone()]).await.unwrap(), 1);
        assert_eq!(store.finding(id, left[0].id).await.unwrap(), None);
    }

    #[tokio::test]
    async fn what_was_asked_for_is_taken_once() {
        let (_folder, store, id) = fixture::with_migration().await;
        let table = TableName::new("public", "orders");
        store.want_compared(id, &table).await.unwrap();
        store.want_compared(id, &table).await.unwrap();
        assert_eq!(store.take_wanted(id).await.unwrap(), [table]);
        assert_eq!(store.take_wanted(id).await.unwrap(), [], "asking is over once somebody took it");
    }
}
