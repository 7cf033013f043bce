//! What the catalog says of a statement, and what other sessions run.

use std::collections::BTreeMap;

use sqlx::PgConnection;
use switchyard_shadow::{Allowed, Rules, Skip, read::is_function_of_the_time};

use super::{
    super::reach::{self, Reach},
    Running,
};

/// Columns of catalogs have other names in other versions, so rows are read as documents.
const COLLATIONS: &str = "SELECT a.attname::text, \
        CASE WHEN k.is_default THEN coalesce(k.d->>'datlocprovider', 'c') ELSE k.o->>'collprovider' END, \
        CASE WHEN k.is_default THEN coalesce(k.d->>'datlocale', k.d->>'daticulocale', k.d->>'datcollate') \
             ELSE coalesce(k.o->>'colllocale', k.o->>'colliculocale', k.o->>'collcollate') END, \
        coalesce(CASE WHEN k.is_default THEN k.d->>'datcollversion' ELSE k.o->>'collversion' END, ''), \
        coalesce((k.o->>'collisdeterministic')::bool, true) \
    FROM unnest($1::text[]) t JOIN pg_catalog.pg_attribute a ON a.attrelid = pg_catalog.to_regclass(t) \
    JOIN LATERAL (SELECT o.collname = 'default' AS is_default, to_jsonb(o) AS o, to_jsonb(d) AS d \
        FROM pg_catalog.pg_collation o, pg_catalog.pg_database d \
        WHERE o.oid = a.attcollation AND d.datname = current_database()) k ON true \
    WHERE a.attnum > 0 AND NOT a.attisdropped";

const RUNNING: &str = "SELECT pid, query_start::text, query, usename::text, \
        octet_length(query) >= pg_catalog.pg_size_bytes(current_setting('track_activity_query_size')) - 1 \
    FROM pg_catalog.pg_stat_activity \
    WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid() \
      AND query <> '' AND application_name NOT LIKE 'switchyard%' AND usename IS NOT NULL";

/// What the server shows in place of a text that our role may not see.
const UNSEEN: &str = "<insufficient privilege>";

const LOGGED: &str = "SELECT current_setting('log_min_duration_statement'), current_setting('log_statement'), \
    coalesce(current_setting('log_parameter_max_length', true), '-1')";

pub(super) async fn not_logged(connection: &mut PgConnection) -> sqlx::Result<Vec<String>> {
    let (duration, statement, values): (String, String, String) = sqlx::query_as(LOGGED).fetch_one(connection).await?;
    let mut out = Vec::new();
    if statement != "all" && duration != "0" {
        out.push(match duration.as_str() {
            "-1" => "The source logs no reads: set log_min_duration_statement = 0 there, or log_statement = 'all', and reload."
                .to_owned(),
            _ => format!("The source logs only what takes {duration} or longer (log_min_duration_statement)."),
        });
    }
    if values == "0" {
        out.push("The source logs no values of parameters (log_parameter_max_length = 0).".to_owned());
    }
    Ok(out)
}

/// The version, and whether the server follows another one.
pub(super) async fn server(connection: &mut PgConnection) -> sqlx::Result<(u32, bool)> {
    let sql = "SELECT current_setting('server_version_num')::int4 / 10000, pg_catalog.pg_is_in_recovery()";
    let (major, follows): (i32, bool) = sqlx::query_as(sql).fetch_one(connection).await?;
    Ok((u32::try_from(major).unwrap_or_default(), follows))
}

/// Whether a statement of this shape, which calls these functions and reads these tables, may run here. A name that means nothing is no reason: the
/// statement fails on it.
pub(super) async fn allows(
    connection: &mut PgConnection,
    text: &str,
    functions: &[String],
    tables: &[String],
) -> sqlx::Result<Result<Allowed, Skip>> {
    if reach::volatile(&mut *connection, text, functions).await?.is_some() {
        return Ok(Err(Skip::Volatile));
    }
    Ok(judged(&reach::reach(connection, tables).await?))
}

fn judged(behind: &Reach) -> Result<Allowed, Skip> {
    let reasons = [
        (behind.servers, Skip::Catalog),
        (behind.volatile.is_some(), Skip::Volatile),
        (behind.other.is_some(), Skip::NotATable),
        (behind.materialized.is_some(), Skip::Materialized),
        (behind.policed.is_some(), Skip::RowSecurity),
        (behind.copying, Skip::Copying),
    ];
    match reasons.into_iter().find(|(applies, _)| *applies) {
        Some((_, skip)) => Err(skip),
        None => {
            let of_the_time = behind.of_the_session || behind.functions.iter().any(|f| is_function_of_the_time(f));
            Ok(Allowed { of_the_time })
        }
    }
}

pub(super) async fn collations(
    connection: &mut PgConnection,
    tables: &[String],
) -> sqlx::Result<BTreeMap<String, Rules>> {
    type Found = (String, Option<String>, Option<String>, String, bool);
    let rows: Vec<Found> = sqlx::query_as(COLLATIONS).bind(reach::quoted(tables)).fetch_all(connection).await?;
    Ok(rows
        .into_iter()
        .map(|(column, provider, locale, version, exact)| {
            (column, rules(provider.as_deref(), locale.as_deref().unwrap_or(""), &version, exact))
        })
        .collect())
}

fn rules(provider: Option<&str>, locale: &str, version: &str, exact: bool) -> Rules {
    let of = match provider {
        Some("i") => "ICU",
        Some("b") => "the server's",
        Some(_) | None => "the system's",
    };
    // C and POSIX are the bytes, whoever provides them.
    let sorts = match locale {
        "C" | "POSIX" => "byte order".to_owned(),
        locale => format!("{of} “{locale}” {version}").trim_end().to_owned(),
    };
    let equals = if exact { "equal bytes".to_owned() } else { format!("what {sorts} holds for equal") };
    Rules { sorts, equals }
}

pub(super) async fn running(connection: &mut PgConnection) -> sqlx::Result<(Vec<Running>, u64)> {
    let rows: Vec<(i32, Option<String>, String, String, bool)> = sqlx::query_as(RUNNING).fetch_all(connection).await?;
    let all = rows.len();
    let seen: Vec<Running> = rows
        .into_iter()
        .filter(|r| r.2 != UNSEEN)
        .map(|(pid, began, text, user, cut)| Running { run: (pid, began.unwrap_or_default()), text, user, cut })
        .collect();
    let unseen = (all - seen.len()) as u64;
    Ok((seen, unseen))
}
