//! What the source's catalog knows of the dump's entries: which are keys, how they are identified, whose they are.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use sqlx::PgPool;

use super::{
    Identity,
    list::Entry,
    ties::{self, Tie},
};
use crate::{
    error::{Error, Kind, Result},
    tool::login::Login,
    wire,
};

/// For questions about catalogs; those of a database with many thousands of objects take a moment.
pub(super) const QUICK: Duration = Duration::from_secs(30);

/// Facts about the source's objects, by oid.
#[derive(Default)]
pub(super) struct Facts {
    /// Constraints and indexes that identify rows in the stream.
    pub(super) keys: HashSet<u32>,
    /// Our own triggers.
    pub(super) ours: HashSet<u32>,
    /// Materialised views that hold rows.
    pub(super) filled: HashSet<u32>,
    /// Name and type of each entry, in the entries' order.
    pub(super) identities: Vec<Option<Identity>>,
    /// Foreign keys.
    pub(super) ties: HashMap<u32, Tie>,
    /// Roles that the entries need.
    pub(super) roles: Vec<String>,
}

/// The server's major version.
pub(super) async fn major(login: &Login) -> Result<i32> {
    let query = sqlx::query_scalar("SELECT current_setting('server_version_num')::int4 / 10000").fetch_one(&login.pool);
    ask(&format!("reading the version of {}", login.label), query).await
}

/// Reads everything about these entries.
pub(super) async fn read(login: &Login, entries: &[Entry]) -> Result<Facts> {
    let (catalogs, oids): (Vec<i64>, Vec<i64>) =
        entries.iter().map(|e| (i64::from(e.catalog), i64::from(e.oid))).unzip();
    let doing = format!("reading about the dumped objects on {}", login.label);
    let keys = "SELECT oid::int8 FROM pg_catalog.pg_constraint WHERE contype = 'p' OR (contype = 'u' AND conindid IN \
                (SELECT indexrelid FROM pg_catalog.pg_index WHERE indisreplident)) \
                UNION SELECT indexrelid::int8 FROM pg_catalog.pg_index WHERE indisreplident";
    let ours = "SELECT oid::int8 FROM pg_catalog.pg_trigger WHERE tgname = 'switchyard_fence'";
    let filled = "SELECT oid::int8 FROM pg_catalog.pg_class WHERE relkind = 'm' AND relispopulated";
    let work = async {
        Ok(Facts {
            keys: oids_of(&login.pool, keys).await?,
            ours: oids_of(&login.pool, ours).await?,
            filled: oids_of(&login.pool, filled).await?,
            identities: identities(&login.pool, &catalogs, &oids).await?,
            ties: ties::read(&login.pool, &oids).await?.into_iter().collect(),
            roles: roles(&login.pool, entries, &catalogs, &oids).await?,
        })
    };
    ask(&doing, work).await
}

async fn oids_of(pool: &PgPool, sql: &'static str) -> std::result::Result<HashSet<u32>, sqlx::Error> {
    let oids: Vec<i64> = sqlx::query_scalar(sql).fetch_all(pool).await?;
    Ok(oids.into_iter().filter_map(|o| u32::try_from(o).ok()).collect())
}

/// Objects of the system (the schema `public` among them) are on every server, so they count as having no name. The
/// function is strict: with a NULL it is not called, which a join condition alone would not prevent.
async fn identities(
    pool: &PgPool,
    catalogs: &[i64],
    oids: &[i64],
) -> std::result::Result<Vec<Option<Identity>>, sqlx::Error> {
    let sql = "SELECT i.type, i.identity FROM unnest($1::int8[], $2::int8[]) WITH ORDINALITY u(c, o, n) \
               LEFT JOIN LATERAL pg_catalog.pg_identify_object(\
               CASE WHEN u.c <> 0 AND u.o >= 16384 THEN u.c::oid END, u.o::oid, 0) i ON true ORDER BY u.n";
    let rows: Vec<(Option<String>, Option<String>)> =
        sqlx::query_as(sql).bind(catalogs).bind(oids).fetch_all(pool).await?;
    Ok(rows.into_iter().map(|(kind, name)| Some(Identity { kind: kind?, name: name? })).collect())
}

/// Owners and grantees. The cluster's first superuser is in no dependency, so it is looked for among the owners.
async fn roles(
    pool: &PgPool,
    entries: &[Entry],
    catalogs: &[i64],
    oids: &[i64],
) -> std::result::Result<Vec<String>, sqlx::Error> {
    let sql = "SELECT DISTINCT r.rolname::text FROM pg_catalog.pg_shdepend d \
               JOIN unnest($1::int8[], $2::int8[]) u(c, o) ON d.classid = u.c::oid AND d.objid = u.o::oid \
               JOIN pg_catalog.pg_roles r ON r.oid = d.refobjid \
               WHERE d.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass \
               AND d.dbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()) \
               ORDER BY 1";
    let mut roles: Vec<String> = sqlx::query_scalar(sql).bind(catalogs).bind(oids).fetch_all(pool).await?;
    let first: String =
        sqlx::query_scalar("SELECT rolname::text FROM pg_catalog.pg_roles WHERE oid = 10").fetch_one(pool).await?;
    let owner = format!(" {first}");
    if entries.iter().any(|e| e.rest.ends_with(&owner)) && !roles.contains(&first) {
        roles.push(first);
    }
    Ok(roles)
}

/// Waits for an answer within the deadline, and says what was being done when there is none.
pub(super) async fn ask<T>(
    doing: &str,
    answer: impl Future<Output = std::result::Result<T, sqlx::Error>> + Send,
) -> Result<T> {
    match tokio::time::timeout(QUICK, answer).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(failed(doing, error)),
        Err(_) => Err(Error::new(Kind::Deadline, doing, format!("no answer within {} s", QUICK.as_secs()))),
    }
}

/// A refusal of the server, or no server.
pub(super) fn failed(doing: &str, error: sqlx::Error) -> Error {
    if let Some(why) = wire::broken(&error) {
        return Error::new(Kind::Unreachable, doing, why).caused_by(error);
    }
    let (kind, why) = match &error {
        sqlx::Error::Database(e) => match e.code().as_deref() {
            Some("42501") => (Kind::Privilege, e.message().to_owned()),
            Some("55P03" | "40P01") => (Kind::LockTimeout, e.message().to_owned()),
            Some("57014") => (Kind::Deadline, e.message().to_owned()),
            Some(_) | None => (Kind::Statement, e.message().to_owned()),
        },
        other => (Kind::Unreachable, other.to_string()),
    };
    Error::new(kind, doing, why).caused_by(error)
}
