//! A database as the target of generated load: sessions as an application has them, without any setting of ours.
//!
//! Statements come from a script and go out as they are, in the simple protocol, as most poolers want it.

use async_trait::async_trait;
use sqlx::{AssertSqlSafe, Connection, PgConnection, postgres::PgConnectOptions};
use switchyard_load::{Session, Sessions, Trouble};
use switchyard_model::endpoint::Endpoint;

use super::{classify::classify, fence, given::Given, options};
use crate::{Result, db::connect::Login};

/// The `application_name` of its sessions.
pub const LOAD: &str = "switchyard load";

/// Opens sessions at one database.
///
/// No `Debug`: the options hold the password.
pub struct UnderLoad {
    endpoint: Endpoint,
    has_password: bool,
    options: PgConnectOptions,
}

impl UnderLoad {
    /// Where a login leads to; nothing is opened yet. `read_only` has the server refuse every write of its sessions.
    ///
    /// # Errors
    /// `Invalid` when the CA file cannot be used.
    pub fn at(login: Login<'_>, read_only: bool) -> Result<UnderLoad> {
        let mut options = options::bare(login.endpoint, login.password)?.application_name(LOAD);
        if read_only {
            options = options.options([("default_transaction_read_only", "on")]);
        }
        Ok(UnderLoad { endpoint: login.endpoint.clone(), has_password: login.password.is_some(), options })
    }

    /// Whether objects of a migration are in it: it is a side of one, whoever leads that.
    ///
    /// # Errors
    /// When it cannot be reached, or does not answer.
    pub async fn is_a_side(&self) -> Result<bool> {
        let mut connection = self.connection().await?;
        let found = sqlx::query_scalar("SELECT pg_catalog.to_regnamespace($1) IS NOT NULL")
            .bind(fence::SCHEMA)
            .fetch_one(&mut connection)
            .await
            .map_err(|e| classify("looking for a migration's objects", e))?;
        // A failed good-bye changes nothing.
        let _ = connection.close().await;
        Ok(found)
    }

    /// A session as an application has it.
    pub(super) async fn connection(&self) -> Result<PgConnection> {
        options::open_bare(&self.endpoint, self.has_password, &self.options).await
    }
}

#[async_trait]
impl Sessions for UnderLoad {
    async fn open(&self) -> std::result::Result<Box<dyn Session>, Trouble> {
        match self.connection().await {
            Ok(connection) => Ok(Box::new(One { connection, given: Given::default() })),
            Err(e) => Err(Trouble { class: "connection".to_owned(), sentence: e.sentence(), broken: true }),
        }
    }
}

struct One {
    connection: PgConnection,
    given: Given,
}

#[async_trait]
impl Session for One {
    async fn run(&mut self, statement: &str) -> std::result::Result<(), Trouble> {
        // The operator's own script; its variables are numbers.
        let answer = sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&mut self.connection).await;
        answer.map(|_| ()).map_err(trouble)
    }

    async fn run_given(&mut self, statement: &str, values: &[Option<String>]) -> std::result::Result<(), Trouble> {
        self.given.run(&mut self.connection, statement, values, None).await.map(drop).map_err(trouble)
    }
}

fn trouble(error: sqlx::Error) -> Trouble {
    let state = error.as_database_error().and_then(|e| e.code()).map(|code| code.into_owned());
    // The server ended the session, or nobody is there any more.
    let broken = state.as_deref().is_none_or(|state| ["57P01", "57P02", "57P03"].contains(&state));
    let class = state.unwrap_or_else(|| "connection".to_owned());
    Trouble { class, sentence: classify("running a statement of the script", error).sentence(), broken }
}
