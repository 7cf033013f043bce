//! Settings that decide what a statement means and how its values are written, as a role of the application has them.

use sqlx::PgConnection;
use switchyard_model::ident::quote;

/// Those that are taken over.
const TAKEN: [&str; 16] = [
    "search_path",
    "datestyle",
    "intervalstyle",
    "timezone",
    "extra_float_digits",
    "bytea_output",
    "xmlbinary",
    "xmloption",
    "lc_monetary",
    "lc_numeric",
    "lc_time",
    "default_text_search_config",
    "transform_null_equals",
    "array_nulls",
    "quote_all_identifiers",
    "timezone_abbreviations",
];

/// Ours come with the login and would hide those of the server's configuration.
const HIDDEN: [&str; 3] = ["datestyle", "timezone", "extra_float_digits"];

/// What the role and the database set, the nearest last.
const SET: &str = "SELECT split_part(c, '=', 1), substr(c, position('=' IN c) + 1) \
    FROM pg_catalog.pg_db_role_setting s, unnest(s.setconfig) c \
    WHERE s.setdatabase IN (0, (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())) \
      AND s.setrole IN (0, coalesce((SELECT oid FROM pg_catalog.pg_roles WHERE rolname = $1), 0)) \
      AND lower(split_part(c, '=', 1)) = ANY ($2) \
    ORDER BY s.setrole <> 0, s.setdatabase <> 0";

const FILES: &str = "SELECT name, setting FROM pg_catalog.pg_file_settings WHERE applied AND lower(name) = ANY ($1)";

/// What every session has: it waits for nobody for long, and a text is read by the rules by which it was looked at.
pub(super) const BASE: &str = "RESET ALL; SET statement_timeout = '30s'; SET lock_timeout = '1s'; \
    SET idle_in_transaction_session_timeout = '60s'; SET standard_conforming_strings = on";

/// Makes a session write values as those of this role do.
pub(super) async fn take(connection: &mut PgConnection, user: &str) -> sqlx::Result<()> {
    sqlx::raw_sql(BASE).execute(&mut *connection).await?;
    let names = |all: &[&str]| all.iter().map(|n| (*n).to_owned()).collect::<Vec<String>>();
    // Only superusers read the files; what is not seen there is the same on both sides.
    let files: sqlx::Result<Vec<(String, String)>> =
        sqlx::query_as(FILES).bind(names(&HIDDEN)).fetch_all(&mut *connection).await;
    let set: Vec<(String, String)> =
        sqlx::query_as(SET).bind(user).bind(names(&TAKEN)).fetch_all(&mut *connection).await?;
    let has_path = set.iter().any(|(name, _)| name.eq_ignore_ascii_case("search_path"));
    let usual = (!has_path).then(|| ("search_path".to_owned(), "\"$user\", public".to_owned()));
    for (name, value) in files.unwrap_or_default().into_iter().chain(set).chain(usual) {
        let value = if name.eq_ignore_ascii_case("search_path") { path(&value, user) } else { value };
        sqlx::query("SELECT pg_catalog.set_config($1, $2, false)")
            .bind(&name)
            .bind(&value)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// `$user` is the application's role, and nobody where it is not known.
fn path(value: &str, user: &str) -> String {
    let value = value.replace("\"$user\"", &quote(user)).replace("$user", &quote(user));
    value.replace("\"\", ", "")
}

/// What decides in this session what a statement means and how its values are written.
pub(super) async fn all(connection: &mut PgConnection) -> sqlx::Result<Vec<(String, String)>> {
    let names: Vec<String> = TAKEN.iter().map(|n| (*n).to_owned()).collect();
    let all = "SELECT n, pg_catalog.current_setting(n, true) FROM unnest($1::text[]) n \
        WHERE pg_catalog.current_setting(n, true) IS NOT NULL";
    sqlx::query_as(all).bind(names).fetch_all(connection).await
}

/// Makes a session have these. Locales that this system does not have are left as they are, and named.
pub(super) async fn give(connection: &mut PgConnection, settings: &[(String, String)]) -> sqlx::Result<Vec<String>> {
    sqlx::raw_sql(BASE).execute(&mut *connection).await?;
    let mut missing = Vec::new();
    for (name, value) in settings.iter().filter(|(name, _)| TAKEN.contains(&name.as_str())) {
        let set = "SELECT pg_catalog.set_config($1, $2, false)";
        match sqlx::query(set).bind(name).bind(value).execute(&mut *connection).await {
            Ok(_) => {}
            Err(e) if name.starts_with("lc_") && e.as_database_error().is_some() => missing.push(name.clone()),
            Err(e) => return Err(e),
        }
    }
    Ok(missing)
}

/// Whether the server's configuration files can be seen.
pub(super) async fn sees_files(connection: &mut PgConnection) -> bool {
    sqlx::query(FILES).bind(Vec::<String>::new()).execute(connection).await.is_ok()
}
