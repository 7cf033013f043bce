//! Dropping everything of ours: triggers, function, beats, schema; by name and never by CASCADE.

use switchyard_model::ident::TableName;

use super::{patience, sql};
use crate::{Result, db::postgres::PgDatabase};

/// What is really there, as the statements that drop it.
pub(super) async fn statements(database: &PgDatabase) -> Result<Vec<String>> {
    let tables: Vec<(String, String)> = sqlx::query_as(
        "SELECT n.nspname::text, c.relname::text FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid \
           JOIN pg_namespace n ON n.oid = c.relnamespace \
          WHERE t.tgname = 'switchyard_fence' AND t.tgfoid = to_regprocedure('switchyard.refuse()') ORDER BY 1, 2",
    )
    .fetch_all(database.pool())
    .await
    .map_err(database.failed("listing the fence's triggers"))?;
    let ours: Vec<String> = sqlx::query_scalar(
        "SELECT x.statement FROM (VALUES \
           (1, to_regprocedure('switchyard.refuse()') IS NOT NULL, 'DROP FUNCTION switchyard.refuse()'), \
           (2, to_regclass('switchyard.beat_forward') IS NOT NULL, 'DROP TABLE switchyard.beat_forward'), \
           (3, to_regclass('switchyard.beat_reverse') IS NOT NULL, 'DROP TABLE switchyard.beat_reverse'), \
           (4, to_regnamespace('switchyard') IS NOT NULL, 'DROP SCHEMA switchyard'), \
           (5, to_regprocedure('switchyard_drill.canary()') IS NOT NULL, 'DROP FUNCTION switchyard_drill.canary()'), \
           (6, to_regclass('switchyard_drill.ledger') IS NOT NULL, 'DROP TABLE switchyard_drill.ledger'), \
           (7, to_regnamespace('switchyard_drill') IS NOT NULL, 'DROP SCHEMA switchyard_drill')) AS x(n, exists, statement) \
          WHERE x.exists ORDER BY x.n",
    )
    .fetch_all(database.pool())
    .await
    .map_err(database.failed("listing our own objects"))?;
    let triggers = tables.into_iter().map(|(s, r)| sql::drop_trigger(&TableName::new(s, r)));
    Ok(triggers.chain(ours).collect())
}

/// Drops it.
pub(super) async fn remove(database: &PgDatabase) -> Result<()> {
    let mut connection = database.open().await?;
    for statement in statements(database).await? {
        let doing = format!("removing our objects from {} ({})", database.label(), last_clause(&statement));
        patience::run(&mut connection, &statement, &doing).await?;
    }
    // Everything is committed; a failed good-bye changes nothing.
    let _ = sqlx::Connection::close(connection).await;
    Ok(())
}

/// The part of a statement that drops something.
fn last_clause(statement: &str) -> &str {
    statement.split("; ").find(|part| part.starts_with("DROP")).unwrap_or(statement)
}
