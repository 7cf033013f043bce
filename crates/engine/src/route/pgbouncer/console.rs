//! The connection to the admin console: simple protocol only, kept open, replaced when dead.
//!
//! A connection is taken out while a command runs on it and put back only after a whole answer. So a future that is
//! dropped half way, or a deadline that passes, takes its connection with it, and the next command starts on a new one.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use sqlx::{
    AssertSqlSafe, Column, ConnectOptions, PgConnection, Row as _, ValueRef,
    postgres::{PgConnectOptions, PgRow, PgSslMode},
};
use tokio::time::timeout;

use crate::{
    error::{Error, Kind, Result},
    route::reach::unreachable,
    secret::Secret,
    wire,
};

/// For a connection, including TLS and login.
const CONNECT: Duration = Duration::from_secs(3);
/// For a command that PgBouncer answers at once.
const ANSWER: Duration = Duration::from_secs(2);

/// One row of a SHOW; every value as text, absent and NULL as the empty string.
pub(super) struct Row(Vec<(String, String)>);

impl Row {
    #[cfg(test)]
    pub(super) fn of(cells: &[(&str, &str)]) -> Row {
        Row(cells.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    /// A column by its name.
    pub(super) fn get(&self, column: &str) -> &str {
        self.0.iter().find(|(name, _)| name == column).map_or("", |(_, value)| value)
    }

    /// A column as a number; zero when it is none.
    pub(super) fn number(&self, column: &str) -> u64 {
        self.get(column).parse().unwrap_or(0)
    }
}

impl From<&PgRow> for Row {
    fn from(row: &PgRow) -> Self {
        let cell = |at: usize| match row.try_get_raw(at) {
            Ok(raw) if !raw.is_null() => raw.as_str().unwrap_or_default().to_owned(),
            Ok(_) | Err(_) => String::new(),
        };
        Row(row.columns().iter().map(|c| (c.name().to_owned(), cell(c.ordinal()))).collect())
    }
}

/// What the console said.
pub(super) enum Answer {
    /// Done, with what it showed.
    Rows(Vec<Row>),
    /// Its error, in its words.
    Refused(String),
}

/// Why there is no answer.
enum NoAnswer {
    Late,
    Broken(sqlx::Error),
}

/// The way to one admin console.
pub(super) struct Console {
    label: String,
    at: String,
    user: String,
    has_password: bool,
    options: PgConnectOptions,
    idle: Mutex<Option<PgConnection>>,
}

impl Console {
    pub(super) fn new(host: &str, port: u16, user: &str, password: Option<Secret>) -> Console {
        let mut options = PgConnectOptions::new_without_pgpass()
            .port(port)
            .username(user)
            .database("pgbouncer")
            .application_name("switchyard")
            .ssl_mode(PgSslMode::Prefer)
            // The console knows no prepared statements and refuses settings that it does not pool.
            .statement_cache_capacity(0)
            .extra_float_digits(None)
            .disable_statement_logging();
        options = if host.starts_with('/') { options.socket(host) } else { options.host(host) };
        if let Some(password) = &password {
            options = options.password(password.expose());
        }
        Console {
            label: format!("PgBouncer {host}:{port}"),
            at: format!("{host}:{port}"),
            user: user.to_owned(),
            has_password: password.is_some(),
            options,
            idle: Mutex::new(None),
        }
    }

    /// The same with another name of its sessions.
    pub(super) fn called(mut self, name: &str) -> Console {
        self.options = self.options.application_name(name);
        self
    }

    pub(super) fn label(&self) -> &str {
        &self.label
    }

    /// Sends a command that is answered at once. A kept connection that turns out to be dead, or silent since the
    /// laptop slept, is replaced once; so the command must be idempotent.
    pub(super) async fn ask(&self, command: &str) -> Result<Answer> {
        if let Some(kept) = self.take()
            && let Ok(answer) = self.run(kept, command, ANSWER).await
        {
            return Ok(answer);
        }
        let fresh = self.connect().await?;
        self.run(fresh, command, ANSWER).await.map_err(|e| self.no_answer(command, ANSWER, e))
    }

    /// Sends a command whose answer waits for clients. A connection that broke is replaced once, a late answer is not
    /// asked for again.
    ///
    /// # Errors
    /// `Deadline` when the answer is late; whether the command took effect is then unknown.
    pub(super) async fn ask_and_wait(&self, command: &str, deadline: Duration) -> Result<Answer> {
        if let Some(kept) = self.take() {
            match self.run(kept, command, deadline).await {
                Ok(answer) => return Ok(answer),
                Err(NoAnswer::Late) => return Err(self.no_answer(command, deadline, NoAnswer::Late)),
                // The console was restarted: not a failure of this command.
                Err(NoAnswer::Broken(_)) => {}
            }
        }
        let fresh = self.connect().await?;
        self.run(fresh, command, deadline).await.map_err(|e| self.no_answer(command, deadline, e))
    }

    async fn run(
        &self,
        mut connection: PgConnection,
        command: &str,
        deadline: Duration,
    ) -> std::result::Result<Answer, NoAnswer> {
        let sent = sqlx::raw_sql(AssertSqlSafe(command.to_owned())).fetch_all(&mut connection);
        let answer = match timeout(deadline, sent).await {
            Err(_) => return Err(NoAnswer::Late),
            Ok(Ok(rows)) => Answer::Rows(rows.iter().map(Row::from).collect()),
            // FATAL comes with the end of the connection.
            Ok(Err(sqlx::Error::Database(e))) if !is_fatal(e.as_ref()) => Answer::Refused(e.message().to_owned()),
            Ok(Err(e)) => return Err(NoAnswer::Broken(e)),
        };
        *self.idle.lock().unwrap_or_else(PoisonError::into_inner) = Some(connection);
        Ok(answer)
    }

    fn take(&self) -> Option<PgConnection> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    async fn connect(&self) -> Result<PgConnection> {
        let doing = || format!("connecting to the admin console of {}", self.label);
        match timeout(CONNECT, self.options.connect()).await {
            Ok(Ok(connection)) => Ok(connection),
            Ok(Err(e)) => Err(self.login_error(doing(), e)),
            Err(_) => Err(Error::new(Kind::Unreachable, doing(), format!("no answer within {CONNECT:?}"))),
        }
    }

    fn no_answer(&self, command: &str, deadline: Duration, e: NoAnswer) -> Error {
        let doing = format!("sending {command} to {}", self.label);
        match e {
            NoAnswer::Late => Error::new(Kind::Deadline, doing, format!("no answer within {deadline:?}")),
            NoAnswer::Broken(e) => {
                let why = wire::broken(&e).unwrap_or_else(|| format!("the connection broke off: {e}"));
                Error::new(Kind::Unreachable, doing, why).caused_by(e)
            }
        }
    }

    fn login_error(&self, doing: String, e: sqlx::Error) -> Error {
        let user = &self.user;
        let (kind, why) = match &e {
            sqlx::Error::Io(io) => (Kind::Unreachable, unreachable(&self.at, io)),
            sqlx::Error::Tls(tls) => (Kind::TlsRefused, tls.to_string()),
            sqlx::Error::Database(d) => {
                let words = d.message();
                match meaning(words) {
                    Meaning::NotAdmin => (
                        Kind::Router,
                        format!("the console says “{words}”: add {user} to admin_users in pgbouncer.ini and reload"),
                    ),
                    Meaning::BadLogin if self.has_password => {
                        (Kind::LoginRefused, format!("it refuses user “{user}”, or its password (“{words}”)"))
                    }
                    Meaning::BadLogin => {
                        (Kind::PasswordNeeded, format!("no password is known for user “{user}” (“{words}”)"))
                    }
                    Meaning::Full => (Kind::TooManyConnections, words.to_owned()),
                    Meaning::NotPgBouncer => (
                        Kind::Router,
                        format!("“{words}”: a PostgreSQL server answers there, not a PgBouncer; check host and port"),
                    ),
                    Meaning::Other => (Kind::Router, format!("the console says “{words}”")),
                }
            }
            // Also what a connection that ends in the middle of the login looks like.
            sqlx::Error::Protocol(_) => {
                (Kind::Router, "it hangs up during the login, or what answers there is no PgBouncer console".to_owned())
            }
            other => (Kind::Router, format!("what answers there does not behave like a PgBouncer console: {other}")),
        };
        Error::new(kind, doing, why).caused_by(e)
    }
}

fn is_fatal(e: &dyn sqlx::error::DatabaseError) -> bool {
    use sqlx::postgres::{PgDatabaseError, PgSeverity};
    e.try_downcast_ref::<PgDatabaseError>()
        .is_some_and(|e| matches!(e.severity(), PgSeverity::Fatal | PgSeverity::Panic))
}

/// What a refused login means; PgBouncer gives most refusals the same code, so only its words tell.
enum Meaning {
    NotAdmin,
    BadLogin,
    Full,
    NotPgBouncer,
    Other,
}

fn meaning(words: &str) -> Meaning {
    let has = |part: &str| words.contains(part);
    if has("not allowed") {
        Meaning::NotAdmin
    } else if has("authentication failed") || has("no such user") || has("wrong password") || has("password missing") {
        Meaning::BadLogin
    } else if has("no more connections") || has("too many") {
        Meaning::Full
    } else if has("database \"pgbouncer\" does not exist") || has("no pg_hba.conf entry") {
        Meaning::NotPgBouncer
    } else {
        Meaning::Other
    }
}
