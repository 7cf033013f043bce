//! Whether a synchronous dual write can be turned on, and what is set before. Looks only.

use sqlx::Row;
use switchyard_model::dual_write::{Former, Scope};

use super::{role_of, sql};
use crate::{Error, Kind, Result, db::postgres::PgDatabase};

/// What can be granted one by one is since PostgreSQL 15.
const GRANTABLE: i32 = 150_000;

pub(super) async fn look(db: &PgDatabase, scope: &Scope, standby: &str) -> Result<Former> {
    refuse_what_is_in_the_way(db, scope, standby).await?;
    let mut former = files(db).await?;
    former.scope = of_the_chosen(db, scope).await?;
    Ok(former)
}

fn no(kind: Kind, why: impl Into<String>) -> Error {
    Error::new(kind, "turning synchronous dual write on", why)
}

async fn refuse_what_is_in_the_way(db: &PgDatabase, scope: &Scope, standby: &str) -> Result<()> {
    let doing = "looking at the settings of synchronous commits";
    let label = db.label();
    let row = sqlx::query(sql::LOOK).bind(role_of(scope)).bind(standby).fetch_one(db.pool()).await;
    let read = |row: sqlx::postgres::PgRow| {
        Ok::<_, sqlx::Error>((
            row.try_get::<String, _>("names")?,
            row.try_get::<Option<bool>, _>("super")?,
            row.try_get::<i32, _>("version")?,
            row.try_get::<Option<bool>, _>("can_login")?,
            row.try_get::<Option<String>, _>("stream")?,
            row.try_get::<bool, _>("narrow")?,
        ))
    };
    let (names, is_super, version, can_login, stream, narrow) = row.and_then(read).map_err(db.failed(doing))?;
    if names == sql::names(standby) {
        let why = format!(
            "{label} waits for our stream already, though nobody of ours turned it on: free it with ALTER SYSTEM RESET \
             synchronous_standby_names and SELECT pg_reload_conf(), then try again"
        );
        return Err(no(Kind::Unsuitable, why));
    }
    if !names.trim().is_empty() {
        let why = format!(
            "{label} waits for a standby already (synchronous_standby_names = '{names}'): that is somebody's safety, and is \
             not touched"
        );
        return Err(no(Kind::Unsuitable, why));
    }
    if is_super != Some(true) {
        rights(db, version).await?;
    }
    match (scope, can_login) {
        (Scope::Database, _) | (Scope::Role { .. }, Some(true)) => {}
        (Scope::Role { role }, None) => {
            let why = format!("there is no role “{role}” on {label}: give the role as which the application logs in");
            return Err(no(Kind::Unsuitable, why));
        }
        (Scope::Role { role }, Some(false)) => {
            let why = format!(
                "role “{role}” cannot log in, and who is a member of it does not get its settings: give the role as which the \
                 application logs in"
            );
            return Err(no(Kind::Unsuitable, why));
        }
    }
    if narrow {
        let why = "the migration was prepared by an earlier version, and has no row to measure with: run `ALTER TABLE \
                   switchyard.beat_forward DROP CONSTRAINT beat_forward_id_check` on both sides";
        return Err(no(Kind::Unsuitable, why));
    }
    match stream.as_deref() {
        Some("streaming") => Ok(()),
        Some(other) => {
            let why = format!("the target is still in state “{other}”: wait until the stream has caught up");
            Err(no(Kind::Unsuitable, why))
        }
        None => Err(no(Kind::Unsuitable, format!("no target receives from {label}: look at the stream first"))),
    }
}

async fn rights(db: &PgDatabase, version: i32) -> Result<()> {
    if version < GRANTABLE {
        let why = format!(
            "our role on {} is no superuser, and before PostgreSQL 15 nobody else may ALTER SYSTEM: use an endpoint with a \
             superuser",
            db.label()
        );
        return Err(no(Kind::Privilege, why));
    }
    let missing: Vec<String> = sqlx::query_scalar(sql::RIGHTS)
        .fetch_all(db.pool())
        .await
        .map_err(db.failed("reading what our role may change"))?;
    if missing.is_empty() {
        return Ok(());
    }
    let why = format!(
        "our role on {} is no superuser and lacks rights; a superuser grants them with: {}",
        db.label(),
        missing.join("; ")
    );
    Err(no(Kind::Privilege, why))
}

/// What is set for the whole server.
async fn files(db: &PgDatabase) -> Result<Former> {
    let doing = "reading the server's configuration files";
    let with = "WITH f AS (SELECT name, setting, applied, seqno, sourcefile LIKE '%postgresql.auto.conf' AS auto \
                FROM pg_catalog.pg_show_all_file_settings()) ";
    let row = sqlx::query(sqlx::AssertSqlSafe(format!("{with}{}", sql::FILES))).fetch_one(db.pool()).await;
    let read = |row: sqlx::postgres::PgRow| {
        let commit: Option<String> = row.try_get("commit")?;
        Ok::<_, sqlx::Error>(Former {
            names: row.try_get("names")?,
            // Where no file says anything, the server waits.
            changes_server: commit.is_none_or(|c| waits(&c)),
            server: row.try_get("auto_commit")?,
            scope: None,
        })
    };
    row.and_then(read).map_err(db.failed(doing))
}

/// Whether commits with this setting wait for a standby.
fn waits(value: &str) -> bool {
    !matches!(value.to_ascii_lowercase().as_str(), "local" | "off" | "false" | "no" | "0")
}

/// What is set for whoever is chosen; refused where somebody else's setting would make them wait.
async fn of_the_chosen(db: &PgDatabase, scope: &Scope) -> Result<Option<String>> {
    let rows: Vec<(String, String, String, bool)> = sqlx::query_as(sql::OWN)
        .bind(role_of(scope))
        .fetch_all(db.pool())
        .await
        .map_err(db.failed("reading the settings of roles and databases"))?;
    let others: Vec<String> = rows
        .iter()
        .filter(|(_, _, value, chosen)| !chosen && waits(value))
        .map(|(role, database, value, _)| match (role.as_str(), database.as_str()) {
            ("", database) => format!("database “{database}” ({value})"),
            (role, "") => format!("role “{role}” ({value})"),
            (role, database) => format!("role “{role}” in database “{database}” ({value})"),
        })
        .collect();
    if !others.is_empty() {
        let why = format!(
            "synchronous_commit is set by ALTER ROLE or ALTER DATABASE for {}: their commits would wait for the target too. Set \
             it to local there, or reset it",
            others.join(", ")
        );
        return Err(no(Kind::Unsuitable, why));
    }
    Ok(rows.into_iter().find(|(_, _, _, chosen)| *chosen).map(|(_, _, value, _)| value))
}

#[cfg(test)]
mod tests {
    use super::waits;

    #[test]
    fn only_two_settings_wait_for_no_standby() {
        assert!(["on", "remote_apply", "remote_write", "true", "1", "ON"].into_iter().all(waits));
        assert!(!["local", "off", "Off", "no"].into_iter().any(waits));
    }
}
