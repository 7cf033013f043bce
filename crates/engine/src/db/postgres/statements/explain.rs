//! How the server would run a statement.
//!
//! The statement's text is somebody else's. It goes to the server by the extended protocol alone, which takes one statement at a
//! time, in a read-only transaction that is rolled back, on a connection that is closed; and it is run only where the parser
//! and the catalog prove that it reads tables and views and calls nothing volatile.

use sqlx::{AssertSqlSafe, Connection, PgConnection};
use switchyard_model::ident::quote;
use switchyard_queries::{
    facts::Facts,
    shape::{Does, Shape, parameters},
};

use super::super::{
    PgDatabase,
    reach::{self, Reach},
};
use crate::{
    Error, Kind, Result,
    db::statements::{Explain, Explained, Made},
};

const LIMIT: &str = "SET statement_timeout = '10s'; SET lock_timeout = '1s'; SET standard_conforming_strings = on; \
                     SET plan_cache_mode = force_generic_plan";

/// The `search_path` of a role here, the nearest setting first.
const PATH: &str = "SELECT substr(c, 13) FROM pg_db_role_setting s, unnest(s.setconfig) c \
    WHERE c LIKE 'search_path=%' AND s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database())) \
      AND s.setrole IN (0, coalesce((SELECT oid FROM pg_roles WHERE rolname = $1), 0)) \
    ORDER BY s.setrole <> 0 DESC, s.setdatabase <> 0 DESC LIMIT 1";

pub(super) async fn explain(db: &PgDatabase, what: Explain<'_>) -> Result<Explained> {
    let doing = "explaining a statement";
    let (shape, facts) = Shape::with_facts(what.text);
    match shape.does {
        Does::Read | Does::Write => {}
        Does::Other => {
            let why = "only statements that read or write rows have a plan";
            return Err(Error::new(Kind::Invalid, format!("{doing} on {}", db.label()), why));
        }
    }
    let mut connection = db.open().await?;
    sqlx::raw_sql(LIMIT).execute(&mut connection).await.map_err(db.failed(doing))?;
    let explained = within(db, &mut connection, what, &shape.text, &facts).await;
    // Whatever happened, it is rolled back; a connection that is gone has rolled back already.
    let _ = sqlx::raw_sql("ROLLBACK").execute(&mut connection).await;
    let _ = connection.close().await;
    explained
}

async fn within(
    db: &PgDatabase,
    connection: &mut PgConnection,
    what: Explain<'_>,
    shape: &str,
    facts: &Facts,
) -> Result<Explained> {
    let doing = "explaining a statement";
    begin(connection, what.role).await.map_err(db.failed(doing))?;
    let parameters = parameters(what.text);
    if parameters > 0 {
        let json = generic(connection, what.text, parameters).await.map_err(db.failed(doing))?;
        let not_run = what.run.then(|| "It was not run: its values are not known.".to_owned());
        return Ok(Explained { json, made: Made::Generic, not_run });
    }
    let mut not_run = None;
    if what.run {
        match unsafe_to_run(connection, shape, facts).await.map_err(db.failed(doing))? {
            Some(why) => not_run = Some(why),
            None => match plan(connection, "ANALYZE, BUFFERS, ", what.text).await {
                Ok(json) => return Ok(Explained { json, made: Made::Run, not_run: None }),
                Err(e) => {
                    let error = db.failed("running a statement for its plan")(e);
                    if !matches!(error.kind, Kind::Deadline | Kind::Statement | Kind::LockTimeout) {
                        return Err(error);
                    }
                    not_run = Some(format!("It was run and broken off. {}", error.sentence()));
                    sqlx::raw_sql("ROLLBACK").execute(&mut *connection).await.map_err(db.failed(doing))?;
                    begin(connection, what.role).await.map_err(db.failed(doing))?;
                }
            },
        }
    }
    let json = plan(connection, "", what.text).await.map_err(db.failed(doing))?;
    Ok(Explained { json, made: Made::Planned, not_run })
}

/// A read-only transaction in which names mean what they mean to the role.
async fn begin(connection: &mut PgConnection, role: &str) -> sqlx::Result<()> {
    let path: Option<String> = sqlx::query_scalar(PATH).bind(role).fetch_optional(&mut *connection).await?;
    let path = path.unwrap_or_else(|| "\"$user\", public".to_owned());
    let path = path.replace("\"$user\"", &quote(role)).replace("$user", &quote(role));
    // A role that nobody named has no schema of its own.
    let path = path.replace("\"\", ", "");
    sqlx::raw_sql("BEGIN READ ONLY").execute(&mut *connection).await?;
    sqlx::query("SELECT set_config('search_path', $1, true)").bind(path).execute(connection).await.map(drop)
}

async fn plan(connection: &mut PgConnection, how: &str, text: &str) -> sqlx::Result<String> {
    let sql = format!("EXPLAIN ({how}VERBOSE, FORMAT JSON) {text}");
    json(connection, sql).await
}

/// The plan for any values. `PREPARE` finds the parameters' types, and a forced generic plan looks at no value; this is what
/// `GENERIC_PLAN` does from PostgreSQL 16 on, and works in every version.
async fn generic(connection: &mut PgConnection, text: &str, parameters: u32) -> sqlx::Result<String> {
    let prepare = format!("PREPARE switchyard_explained AS {text}");
    sqlx::query(AssertSqlSafe(prepare)).persistent(false).execute(&mut *connection).await?;
    let nulls = vec!["NULL"; parameters as usize].join(", ");
    json(connection, format!("EXPLAIN (VERBOSE, FORMAT JSON) EXECUTE switchyard_explained ({nulls})")).await
}

async fn json(connection: &mut PgConnection, sql: String) -> sqlx::Result<String> {
    let plan: serde_json::Value =
        sqlx::query_scalar(AssertSqlSafe(sql)).persistent(false).fetch_one(connection).await?;
    Ok(plan.to_string())
}

/// Why a statement must not be run; None when it is proven to read and nothing else.
async fn unsafe_to_run(connection: &mut PgConnection, shape: &str, facts: &Facts) -> sqlx::Result<Option<String>> {
    if !facts.is_plain_read {
        return Ok(Some("It was not run: it is not proven to be a plain SELECT.".to_owned()));
    }
    let volatile = reach::volatile(&mut *connection, shape, &facts.functions).await?;
    let Reach { nameless, other, policed, volatile: behind, .. } = reach::reach(connection, &facts.tables).await?;
    let why = if let Some(function) = volatile.or(behind) {
        format!("it calls {function}, which is volatile")
    } else if let Some(name) = nameless.or(other) {
        format!("{name} is no table and no view, and what is behind it may do more than read")
    } else if let Some(table) = policed {
        format!("row security is active on {table}, and its policies may do more than read")
    } else {
        return Ok(None);
    };
    Ok(Some(format!("It was not run: {why}.")))
}
