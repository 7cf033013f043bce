//! Making our schema, the beats, the refusing function and the disabled triggers.

use std::collections::HashSet;

use sqlx::AssertSqlSafe;
use switchyard_model::ident::TableName;

use super::{patience, sql};
use crate::{
    Result,
    db::postgres::{
        PgDatabase, arrays,
        catalog::{NOT_OF_AN_EXTENSION, SCHEMAS_IN_SCOPE},
    },
};

/// Makes what is missing and leaves what exists as it is, a raised trigger too.
pub(super) async fn install(database: &PgDatabase, tables: &[TableName]) -> Result<()> {
    let mut connection = database.open().await?;
    let function = if has_function(database).await? { None } else { Some(sql::first_function()) };
    for statement in sql::base().into_iter().chain(function) {
        let doing = format!("making our schema on {}", database.label());
        patience::run(&mut connection, &statement, &doing).await?;
    }
    let there = with_trigger(database, tables).await?;
    for table in sql::ordered(tables).into_iter().filter(|t| !there.contains(*t)) {
        let doing = format!("adding the fence's trigger to {} on {}", table.plain(), database.label());
        patience::run(&mut connection, &sql::add_trigger(table), &doing).await?;
    }
    // Everything is committed; a failed good-bye changes nothing.
    let _ = sqlx::Connection::close(connection).await;
    Ok(())
}

async fn has_function(database: &PgDatabase) -> Result<bool> {
    sqlx::query_scalar("SELECT to_regprocedure('switchyard.refuse()') IS NOT NULL")
        .fetch_one(database.pool())
        .await
        .map_err(database.failed("looking for the refusing function"))
}

/// Whether schema, beats, function and every trigger exist.
pub(super) async fn is_installed(database: &PgDatabase, tables: &[TableName]) -> Result<bool> {
    let base: bool = sqlx::query_scalar(
        "SELECT to_regclass('switchyard.beat_forward') IS NOT NULL AND to_regclass('switchyard.beat_reverse') IS NOT NULL \
            AND to_regprocedure('switchyard.refuse()') IS NOT NULL AND to_regclass('switchyard_drill.ledger') IS NOT NULL \
            AND to_regprocedure('switchyard_drill.canary()') IS NOT NULL",
    )
    .fetch_one(database.pool())
    .await
    .map_err(database.failed("looking for our schema"))?;
    if !base {
        return Ok(false);
    }
    let there = with_trigger(database, tables).await?;
    Ok(tables.iter().all(|t| there.contains(t)))
}

/// Permanent tables of the application without our trigger.
pub(super) async fn uncovered(database: &PgDatabase) -> Result<Vec<TableName>> {
    let sql = format!(
        "SELECT n.nspname::text, c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
          WHERE c.relkind IN ('r', 'p') AND c.relpersistence = 'p' AND {SCHEMAS_IN_SCOPE} AND {NOT_OF_AN_EXTENSION} \
            AND NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgname = 'switchyard_fence' \
                             AND t.tgfoid = to_regprocedure('switchyard.refuse()')) ORDER BY 1, 2"
    );
    let rows: Vec<(String, String)> = sqlx::query_as(AssertSqlSafe(sql))
        .fetch_all(database.pool())
        .await
        .map_err(database.failed("looking for tables that no fence covers"))?;
    Ok(rows.into_iter().map(|(s, r)| TableName::new(s, r)).collect())
}

/// Those of the tables that have our trigger, in any state.
async fn with_trigger(database: &PgDatabase, tables: &[TableName]) -> Result<HashSet<TableName>> {
    let (schemas, names) = arrays(tables);
    let rows: Vec<(String, String)> = sqlx::query_as(
        "SELECT w.s, w.r FROM unnest($1::text[], $2::text[]) AS w(s, r) \
           JOIN pg_namespace n ON n.nspname = w.s JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = w.r \
           JOIN pg_trigger t ON t.tgrelid = c.oid AND t.tgname = 'switchyard_fence' \
            AND t.tgfoid = to_regprocedure('switchyard.refuse()')",
    )
    .bind(schemas)
    .bind(names)
    .fetch_all(database.pool())
    .await
    .map_err(database.failed("looking for the fence's triggers"))?;
    Ok(rows.into_iter().map(|(s, r)| TableName::new(s, r)).collect())
}
