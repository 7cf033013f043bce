//! Indexes of a table, and making one that is missing without keeping writers out.

use sqlx::{AssertSqlSafe, Connection, PgConnection};
use switchyard_model::ident::TableName;
use switchyard_queries::index::Definition;

use super::super::PgDatabase;
use crate::{Error, Kind, Result, db::statements::Index};

const INDEXES: &str = "SELECT pg_get_indexdef(i.indexrelid), i.indisvalid AND i.indisready, \
       (SELECT min(o.conname::text) FROM pg_constraint o WHERE o.conindid = i.indexrelid AND o.conrelid = i.indrelid) \
     FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
     WHERE n.nspname = $1 AND c.relname = $2 ORDER BY 1";

/// An index may take hours; what it waits for are transactions that are older than it.
const PATIENCE: &str = "SET statement_timeout = 0; SET lock_timeout = '10min'";

pub(super) async fn all(db: &PgDatabase, table: &TableName) -> Result<Option<Vec<Index>>> {
    let doing = format!("reading the indexes of {}", table.plain());
    let exists: bool = sqlx::query_scalar("SELECT to_regclass($1) IS NOT NULL")
        .bind(table.to_string())
        .fetch_one(db.pool())
        .await
        .map_err(db.failed(&doing))?;
    if !exists {
        return Ok(None);
    }
    let rows: Vec<(String, bool, Option<String>)> = sqlx::query_as(INDEXES)
        .bind(&table.schema)
        .bind(&table.name)
        .fetch_all(db.pool())
        .await
        .map_err(db.failed(&doing))?;
    let one = |(text, is_valid, constraint): (String, bool, Option<String>)| {
        let definition = Definition::read(&text)?;
        Some(Index { table: table.clone(), definition, is_valid, constraint })
    };
    Ok(Some(rows.into_iter().filter_map(one).collect()))
}

/// One of this name that is not valid is what an earlier try left, and goes first.
pub(super) async fn create(db: &PgDatabase, table: &TableName, definition: &Definition) -> Result<()> {
    let doing = format!("making the index {}", definition.name);
    let here = all(db, table).await?.unwrap_or_default();
    let namesake = here.iter().find(|i| i.definition.name == definition.name);
    if let Some(other) = namesake.filter(|i| !i.definition.is_like(definition)) {
        let why = format!("another index has this name there: {}", other.definition.statement());
        return Err(Error::new(Kind::Refused, format!("{doing} on {}", db.label()), why));
    }
    if namesake.is_some_and(|i| i.is_valid) {
        return Ok(());
    }
    let mut connection = db.open().await?;
    sqlx::raw_sql(PATIENCE).execute(&mut connection).await.map_err(db.failed(&doing))?;
    let drop_it = definition.drop_statement(&table.schema);
    if namesake.is_some() {
        alone(&mut connection, &drop_it).await.map_err(db.failed(&doing))?;
    }
    let made = alone(&mut connection, &definition.statement()).await.map_err(db.failed(&doing));
    if made.is_err() {
        // What a broken-off try leaves is updated at every write and used for nothing.
        let _ = alone(&mut connection, &drop_it).await;
    }
    let _ = connection.close().await;
    made?;
    let valid = all(db, table).await?.unwrap_or_default();
    if valid.iter().any(|i| i.definition.is_like(definition) && i.is_valid) {
        return Ok(());
    }
    let why = "the server made it and does not show it as valid";
    Err(Error::new(Kind::Contradiction, format!("{doing} on {}", db.label()), why))
}

/// One statement, outside a transaction. The extended protocol takes no second one.
async fn alone(connection: &mut PgConnection, sql: &str) -> sqlx::Result<()> {
    sqlx::query(AssertSqlSafe(sql.to_owned())).persistent(false).execute(connection).await.map(drop)
}
