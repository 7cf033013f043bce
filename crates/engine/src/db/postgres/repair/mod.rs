//! Repairs: whole rows are read on one side and written on the other, each statement a transaction of its own.
//!
//! Writes nothing but the changes it is given. The writing session is in the role of a replica, so that what acts on the
//! application's writes does not act on these: its triggers and foreign keys, and the triggers of our own fence. The apply
//! worker of the stream writes in the same way.

mod refusal;
mod sql;

use async_trait::async_trait;
use sqlx::{
    Arguments, AssertSqlSafe, PgConnection, Row,
    postgres::{PgArguments, PgRow},
};
use switchyard_model::{
    ident::{TableName, quote},
    reconcile::Key,
};

use self::sql::{Bound, Value};
use super::{PgDatabase, arrays, classify, rows, rows::whole};
use crate::{
    db::{
        repairs::{Applied, Change, Feeder, Place, Repairs, RowWriter, WholeRow, WholeRows},
        rows::{Relation, Slice},
    },
    error::{Error, Kind, Result},
};

/// No statement runs longer, and none waits longer for a lock.
const LIMITS: &str = "SET statement_timeout = '4500ms'; SET lock_timeout = '2s'; SET jit = off; \
     SET max_parallel_workers_per_gather = 0";

/// Makes the session one of a replica.
const REPLICA: &str = "SET session_replication_role = replica";

/// Those who may grant settings came with this version.
const GRANTS_SETTINGS: i32 = 150_000;

struct Session {
    connection: PgConnection,
    label: String,
}

#[async_trait]
impl Repairs for PgDatabase {
    fn preparation(&self) -> String {
        REPLICA.to_owned()
    }

    fn statement(&self, relation: &Relation, change: &Change) -> String {
        sql::readable(relation, change)
    }

    async fn reader(&self) -> Result<Box<dyn WholeRows>> {
        Ok(Box::new(open(self, "SET default_transaction_read_only = on").await?))
    }

    async fn writer(&self) -> Result<Box<dyn RowWriter>> {
        // A document type of its own would refuse what is stored as a fragment of XML.
        let mut session = open(self, "SET xmloption = content").await?;
        match sqlx::raw_sql(REPLICA).execute(&mut session.connection).await {
            Ok(_) => Ok(Box::new(session)),
            Err(e) if e.as_database_error().and_then(|e| e.code()).as_deref() == Some("42501") => {
                Err(not_permitted(&mut session).await)
            }
            Err(e) => Err(self.failed("preparing to write rows")(e)),
        }
    }

    async fn fed_from(&self) -> Result<Vec<Feeder>> {
        let found: Vec<(String, String)> = sqlx::query_as(
            "SELECT s.subslotname::text, p::text FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid \
              CROSS JOIN LATERAL unnest(s.subpublications) AS p \
              WHERE d.datname = current_database() AND s.subenabled AND s.subslotname IS NOT NULL",
        )
        .fetch_all(self.pool())
        .await
        .map_err(self.failed("reading the subscriptions"))?;
        Ok(found.into_iter().map(|(slot, publication)| Feeder { slot, publication }).collect())
    }

    async fn leaving(&self, through: &[Feeder], tables: &[TableName]) -> Result<Vec<TableName>> {
        let (schemas, names) = arrays(tables);
        let (slots, publications): (Vec<&str>, Vec<&str>) =
            through.iter().map(|f| (f.slot.as_str(), f.publication.as_str())).unzip();
        let found: Vec<(String, String)> = sqlx::query_as(LEAVING)
            .bind(slots)
            .bind(publications)
            .bind(schemas)
            .bind(names)
            .fetch_all(self.pool())
            .await
            .map_err(self.failed("reading what is published"))?;
        Ok(found.into_iter().map(|(schema, name)| TableName { schema, name }).collect())
    }
}

/// Tables of `$3`, `$4` of which a publication of `$2` sends rows, by themselves or with their partition tree, where its
/// slot of `$1` is here. A publication whose valve is closed sends none.
const LEAVING: &str = "SELECT DISTINCT w.s, w.t FROM unnest($3::text[], $4::text[]) AS w(s, t) \
      JOIN pg_namespace n ON n.nspname = w.s JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = w.t \
      JOIN (SELECT coalesce(pg_partition_root(pc.oid)::oid, pc.oid) AS tree FROM unnest($1::text[], $2::text[]) AS f(slot, pub) \
              JOIN pg_replication_slots rs ON rs.slot_name = f.slot AND rs.database = current_database() \
              JOIN pg_publication p ON p.pubname = f.pub AND (p.pubinsert OR p.pubupdate OR p.pubdelete) \
              JOIN pg_publication_tables pt ON pt.pubname = p.pubname \
              JOIN pg_namespace pn ON pn.nspname = pt.schemaname \
              JOIN pg_class pc ON pc.relnamespace = pn.oid AND pc.relname = pt.tablename) AS sent \
        ON sent.tree = coalesce(pg_partition_root(c.oid)::oid, c.oid) ORDER BY 1, 2";

async fn open(database: &PgDatabase, more: &str) -> Result<Session> {
    let mut connection = PgDatabase::open(database).await?;
    let settings = format!("{}; {LIMITS}; {more}", rows::ALIKE);
    sqlx::raw_sql(AssertSqlSafe(settings))
        .execute(&mut connection)
        .await
        .map_err(database.failed("preparing to repair rows"))?;
    Ok(Session { connection, label: database.label().to_owned() })
}

/// Who could let us write as a replica, and how.
async fn not_permitted(session: &mut Session) -> Error {
    let asked: sqlx::Result<(String, i32)> =
        sqlx::query_as("SELECT current_user::text, current_setting('server_version_num')::int4")
            .persistent(false)
            .fetch_one(&mut session.connection)
            .await;
    let doing = format!("preparing to write rows on {}", session.label);
    let (role, version) = match asked {
        Ok(found) => found,
        Err(e) => return classify::classify(doing, e),
    };
    let remedy = if version >= GRANTS_SETTINGS {
        format!("run GRANT SET ON PARAMETER session_replication_role TO {} as a superuser", quote(&role))
    } else {
        "before PostgreSQL 15 only a superuser may, so use such a role".to_owned()
    };
    let why = format!(
        "role “{role}” may not set session_replication_role, without which triggers and the fence act: {remedy}"
    );
    Error::new(Kind::Privilege, doing, why)
}

impl Session {
    fn failed(&self, doing: &str, relation: &Relation) -> impl FnOnce(sqlx::Error) -> Error + use<> {
        let doing = format!("{doing} {} on {}", relation.name.plain(), self.label);
        move |e| classify::classify(doing, e)
    }

    async fn end(&mut self, how: &'static str) -> Result<()> {
        let doing = format!("ending a transaction of repairs on {}", self.label);
        let ended = sqlx::raw_sql(how).execute(&mut self.connection).await;
        ended.map(drop).map_err(|e| classify::classify(doing, e))
    }

    async fn fetch(&mut self, sql: String, arguments: PgArguments) -> sqlx::Result<Vec<PgRow>> {
        sqlx::query_with(AssertSqlSafe(sql), arguments).persistent(false).fetch_all(&mut self.connection).await
    }
}

fn add<'q, T>(arguments: &mut PgArguments, value: T) -> sqlx::Result<()>
where
    T: sqlx::Encode<'q, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
{
    arguments.add(value).map_err(sqlx::Error::Encode)
}

fn whole_row(row: &PgRow) -> sqlx::Result<WholeRow> {
    Ok(WholeRow {
        key: Key(row.try_get(0)?),
        hash: row.try_get(1)?,
        version: row.try_get(2)?,
        texts: row.try_get(3)?,
        hashes: row.try_get(4)?,
    })
}

#[async_trait]
impl WholeRows for Session {
    async fn rows(
        &mut self,
        relation: &Relation,
        slice: &Slice,
        keys: &[Key],
        with_texts: bool,
    ) -> Result<Vec<WholeRow>> {
        let failed = self.failed("reading rows of", relation);
        let mut arguments = PgArguments::default();
        match rows::bind_keys(&mut arguments, relation, keys) {
            Ok(()) => self.fetch(whole::rows(relation, slice, with_texts), arguments).await,
            Err(e) => Err(e),
        }
        .and_then(|found| found.iter().map(whole_row).collect())
        .map_err(failed)
    }

    async fn places(&mut self, relation: &Relation, slice: &Slice, hashes: &[i64], most: i64) -> Result<Vec<Place>> {
        let failed = self.failed("looking for rows of", relation);
        let mut arguments = PgArguments::default();
        let place = |row: &PgRow| -> sqlx::Result<Place> {
            Ok(Place { hash: row.try_get(0)?, table: row.try_get(1)?, at: row.try_get(2)? })
        };
        match add(&mut arguments, hashes).and_then(|()| add(&mut arguments, most)) {
            Ok(()) => self.fetch(whole::places(relation, slice), arguments).await,
            Err(e) => Err(e),
        }
        .and_then(|found| found.iter().map(place).collect())
        .map_err(failed)
    }

    async fn close(self: Box<Self>) {
        // The session is ours alone; a failed good-bye changes nothing.
        let _ = sqlx::Connection::close(self.connection).await;
    }
}

#[async_trait]
impl RowWriter for Session {
    async fn alone(&mut self, relation: &Relation) -> Result<Applied> {
        let failed = self.failed("keeping other writers out of", relation);
        let sql = format!("BEGIN; {}", sql::lock(relation));
        match sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut self.connection).await {
            Ok(_) => Ok(Applied::Rows(0)),
            Err(e) => match refusal::of(&e) {
                Some(refused) => self.roll_back().await.map(|()| refused),
                None => Err(failed(e)),
            },
        }
    }

    async fn commit(&mut self) -> Result<()> {
        self.end("COMMIT").await
    }

    async fn roll_back(&mut self) -> Result<()> {
        self.end("ROLLBACK").await
    }

    async fn apply(&mut self, relation: &Relation, change: &Change) -> Result<Applied> {
        let failed = self.failed("mending a row of", relation);
        let Bound { sql, values } = sql::bound(relation, change);
        let mut arguments = PgArguments::default();
        for value in values {
            match value {
                Value::Text(text) => add(&mut arguments, text),
                Value::Number(n) => add(&mut arguments, n),
                Value::Texts(all) => add(&mut arguments, all),
            }
            .map_err(self.failed("mending a row of", relation))?;
        }
        // Kept as a prepared statement: the next row's is the same with other values.
        match sqlx::query_with(AssertSqlSafe(sql), arguments).execute(&mut self.connection).await {
            Ok(done) => Ok(Applied::Rows(done.rows_affected())),
            Err(e) => match refusal::of(&e) {
                Some(refused) => Ok(refused),
                None => Err(failed(e)),
            },
        }
    }
}
