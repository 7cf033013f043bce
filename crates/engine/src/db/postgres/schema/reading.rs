//! One session that reads statement after statement in one snapshot, and goes on when one of them is refused.

use serde::de::DeserializeOwned;
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};
use switchyard_model::schema::{Kind, Unseen};

use crate::{
    Error, Kind as ErrorKind, Result,
    db::postgres::{PgDatabase, classify::classify},
};

/// The session and what it could not see.
pub(in crate::db::postgres) struct Reading<'a> {
    database: &'a PgDatabase,
    connection: PgConnection,
    unseen: Vec<Unseen>,
}

impl<'a> Reading<'a> {
    /// A connection of its own: the pool's belong to whoever is quick.
    pub(in crate::db::postgres) async fn begin(database: &'a PgDatabase) -> Result<Self> {
        let mut reading = Reading { database, connection: database.open().await?, unseen: Vec::new() };
        reading.snapshot().await?;
        Ok(reading)
    }

    async fn snapshot(&mut self) -> Result<()> {
        let sql = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
        sqlx::raw_sql(sql).execute(&mut self.connection).await.map(drop).map_err(self.failed("a snapshot"))
    }

    fn failed(&self, what: &str) -> impl FnOnce(sqlx::Error) -> Error + use<> {
        let doing = format!("reading {what} of {}", self.database.label());
        move |e| classify(doing, e)
    }

    /// Number and text of the server's version.
    pub(super) async fn version(&mut self) -> Result<(i32, String)> {
        let sql =
            "SELECT current_setting('server_version_num')::int4, split_part(current_setting('server_version'), ' ', 1)";
        sqlx::query_as(sql).fetch_one(&mut self.connection).await.map_err(self.failed("the version"))
    }

    /// All rows of a statement as values of the model. When it is refused the kinds are unseen.
    pub(super) async fn list<T: DeserializeOwned>(&mut self, kinds: &[Kind], sql: &str) -> Result<Vec<T>> {
        let what = kinds.first().map_or("objects".to_owned(), |k| format!("objects of the kind {}", words(*k)));
        match self.rows(&what, sql).await? {
            Ok(list) => Ok(list),
            Err(why) => {
                for kind in kinds {
                    self.not_seen(&words(*kind), Some(*kind), why.clone());
                }
                if kinds.is_empty() {
                    self.not_seen("dependencies and sizes", None, why);
                }
                Ok(Vec::new())
            }
        }
    }

    /// The same; a refusal is given back as a sentence.
    pub(in crate::db::postgres) async fn rows<T: DeserializeOwned>(
        &mut self,
        what: &str,
        sql: &str,
    ) -> Result<std::result::Result<Vec<T>, String>> {
        let mut again = true;
        loop {
            let sql = format!("SELECT to_json(x)::text FROM ({sql}) x");
            let fetched = sqlx::query(AssertSqlSafe(sql)).persistent(false).fetch_all(&mut self.connection).await;
            let error = match fetched {
                Ok(rows) => return self.parse(what, &rows).map(Ok),
                Err(e) => self.failed(what)(e),
            };
            match error.kind {
                // Dropped between two looks by somebody else, or a fault of ours: a fresh snapshot tells which.
                ErrorKind::Statement | ErrorKind::Unsuitable if again => again = false,
                ErrorKind::Privilege
                | ErrorKind::LockTimeout
                | ErrorKind::Deadline
                | ErrorKind::Statement
                | ErrorKind::Unsuitable => {
                    self.renew().await?;
                    return Ok(Err(error.sentence()));
                }
                ErrorKind::Unreachable
                | ErrorKind::TlsRefused
                | ErrorKind::TlsNotTrusted
                | ErrorKind::LoginRefused
                | ErrorKind::PasswordNeeded
                | ErrorKind::NoSuchDatabase
                | ErrorKind::TooManyConnections
                | ErrorKind::NotReady
                | ErrorKind::NoFreeSlot
                | ErrorKind::Router
                | ErrorKind::Tool
                | ErrorKind::Store
                | ErrorKind::StoreNewer
                | ErrorKind::StoreDamaged
                | ErrorKind::LeaseLost
                | ErrorKind::Refused
                | ErrorKind::Invalid
                | ErrorKind::NotFound
                | ErrorKind::Keyring
                | ErrorKind::Contradiction => return Err(error),
            }
            self.renew().await?;
        }
    }

    fn parse<T: DeserializeOwned>(&self, what: &str, rows: &[sqlx::postgres::PgRow]) -> Result<Vec<T>> {
        let one = |row: &sqlx::postgres::PgRow| {
            let text: &str = row.try_get(0).map_err(self.failed(what))?;
            serde_json::from_str(text).map_err(|e| {
                let doing = format!("reading {what} of {}", self.database.label());
                Error::new(ErrorKind::Unsuitable, doing, format!("the server's answer is not understood: {e}"))
            })
        };
        rows.iter().map(one).collect()
    }

    async fn renew(&mut self) -> Result<()> {
        let ended = sqlx::raw_sql("ROLLBACK").execute(&mut self.connection).await;
        ended.map(drop).map_err(self.failed("a snapshot"))?;
        self.snapshot().await
    }

    /// Lists something that could not be looked at.
    pub(super) fn not_seen(&mut self, object: &str, kind: Option<Kind>, why: String) {
        self.unseen.push(Unseen { object: object.to_owned(), kind, why });
    }

    /// Ends the session and gives the list back.
    pub(in crate::db::postgres) async fn end(mut self) -> Vec<Unseen> {
        // Everything was read; a failed good-bye changes nothing. The server hears of a closed connection later, and whoever looks for
        // open transactions meanwhile would find this one.
        let _ = sqlx::raw_sql("ROLLBACK").execute(&mut self.connection).await;
        let _ = self.connection.close().await;
        self.unseen
    }
}

fn words(kind: Kind) -> String {
    kind.word().replace('_', " ")
}
