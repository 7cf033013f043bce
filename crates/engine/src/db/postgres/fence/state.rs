//! Whether the fence stands, from the catalog; and lowering it.

use sqlx::AssertSqlSafe;
use switchyard_model::{hold::Standing, ident::TableName};

use super::{patience, sql};
use crate::{
    Error, Kind, Result,
    db::{
        Bidding,
        postgres::{PgDatabase, arrays, lent::Lent},
    },
};

/// All triggers enabled, and with which sentence, or none; anything between is for a person.
pub(super) async fn standing(database: &PgDatabase, tables: &[TableName]) -> Result<Standing> {
    let (schemas, names) = arrays(sql::ordered(tables));
    let open: Vec<(String, String, bool, bool)> = sqlx::query_as(
        "SELECT w.s, w.r, EXISTS (SELECT FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid \
                                    JOIN pg_namespace n ON n.oid = c.relnamespace \
                                   WHERE n.nspname = w.s AND c.relname = w.r AND t.tgname = 'switchyard_fence' \
                                     AND t.tgfoid = to_regprocedure('switchyard.refuse()') \
                                     AND t.tgenabled IN ('O', 'A')), \
                coalesce((SELECT p.prosrc LIKE '%' || $3 || '%' FROM pg_proc p \
                           WHERE p.oid = to_regprocedure('switchyard.refuse()')), false) \
           FROM unnest($1::text[], $2::text[]) AS w(s, r)",
    )
    .bind(schemas)
    .bind(names)
    .bind(sql::HELD)
    .fetch_all(database.pool())
    .await
    .map_err(database.failed("reading the fence"))?;
    let refusing = open.iter().filter(|(_, _, refuses, _)| *refuses).count();
    if refusing == 0 {
        return Ok(Standing::Down);
    }
    if refusing == open.len() {
        let held = open.iter().all(|(.., held)| *held);
        return Ok(if held { Standing::Held } else { Standing::Moved });
    }
    let accepting: Vec<String> =
        open.into_iter().filter(|(_, _, refuses, _)| !refuses).map(|(s, r, ..)| TableName::new(s, r).plain()).collect();
    let why = format!("{refusing} tables refuse writes, but these accept them: {}", accepting.join(", "));
    Err(Error::new(Kind::Contradiction, format!("reading the fence on {}", database.label()), why))
}

/// Asks what lowering, and opening the way back, would ask.
pub(super) async fn heeds(database: &PgDatabase, bidding: Bidding) -> Result<()> {
    sqlx::raw_sql(AssertSqlSafe(sql::unless_surpassed(bidding)))
        .execute(database.pool())
        .await
        .map(drop)
        .map_err(database.failed("asking for the fence's epoch"))
}

/// Disables every trigger, in one transaction.
pub(super) async fn lower(database: &PgDatabase, tables: &[TableName], bidding: Bidding) -> Result<()> {
    if tables.is_empty() {
        return Ok(());
    }
    let doing = format!("lowering the fence on {}", database.label());
    let mut session = Lent::from(database.pool()).await.map_err(database.failed("lowering the fence"))?;
    patience::run(session.connection(), &sql::lower(tables, bidding), &doing).await?;
    session.give_back();
    Ok(())
}
