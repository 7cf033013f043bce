//! PostgreSQL: one file per capability, all over the same [`PgDatabase`].

pub mod catalog;
pub mod classify;
mod consumers;
pub(crate) mod drills;
pub(crate) mod feed;
pub mod fence;
mod given;
mod headroom;
pub mod heartbeat;
mod lent;
mod load;
pub mod options;
pub mod positions;
pub mod probe;
mod probes;
mod reach;
mod repair;
pub mod rows;
mod schema;
pub mod scratch_copy;
pub mod sequences;
pub mod shadow;
mod sources;
mod statements;
pub(super) mod synchronous;
pub mod tables;
mod transactions;
pub mod under_load;

use std::time::Duration;

use sqlx::{
    PgConnection, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use switchyard_model::{Side, endpoint::Endpoint, ident::TableName};
use tokio::sync::Mutex;

use super::connect::{CONNECT_DEADLINE, Login};
use crate::{Error, Result};

/// One PostgreSQL database: a small pool for light statements, and what is needed to open a connection beside it.
///
/// No `Debug`: the options hold the password.
pub struct PgDatabase {
    side: Side,
    endpoint: Endpoint,
    has_password: bool,
    options: PgConnectOptions,
    pool: PgPool,
    /// The fence's own connection, opened ahead so that the write pause does not pay for the login.
    armed: Mutex<Option<fence::Line>>,
}

impl PgDatabase {
    /// Logs in once, so that a wrong endpoint is told here and with its cause; the pool opens the rest when needed.
    pub(super) async fn connect(side: Side, login: Login<'_>, pool_size: u32) -> Result<Self> {
        let options = options::options(login.endpoint, login.password)?;
        let first = options::open(login.endpoint, login.password.is_some(), &options).await?;
        // The pool makes its own connections; this one has served its purpose, and a failed good-bye changes nothing.
        let _ = sqlx::Connection::close(first).await;
        let size = pool_size.max(1);
        Ok(PgDatabase {
            side,
            endpoint: login.endpoint.clone(),
            has_password: login.password.is_some(),
            pool: lazy_pool(size, &options),
            options,
            armed: Mutex::new(None),
        })
    }

    /// The endpoint's name.
    pub fn label(&self) -> &str {
        &self.endpoint.name
    }

    /// Which side it is.
    pub fn side(&self) -> Side {
        self.side
    }

    /// Where it is.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// The pool for light statements.
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// A connection of its own beside the pool, with the same settings.
    ///
    /// # Errors
    /// As [`super::connect::connect`].
    pub async fn open(&self) -> Result<PgConnection> {
        options::open(&self.endpoint, self.has_password, &self.options).await
    }

    /// An error of a statement, with what was being done here.
    fn failed(&self, doing: &str) -> impl FnOnce(sqlx::Error) -> Error {
        let doing = format!("{doing} on {}", self.endpoint.name);
        move |e| classify::classify(doing, e)
    }
}

/// A pool that connects when it is first asked.
fn lazy_pool(size: u32, options: &PgConnectOptions) -> PgPool {
    PgPoolOptions::new()
        .max_connections(size)
        .acquire_timeout(CONNECT_DEADLINE)
        .idle_timeout(Duration::from_secs(300))
        .after_connect(|connection, _| {
            Box::pin(async move {
                options::watch_client(connection).await;
                options::wait_for_the_disk(connection).await
            })
        })
        .connect_lazy_with(options.clone())
}

/// Names as two arrays for `unnest($1::text[], $2::text[])`: values, so no quoting is involved.
fn arrays<'a>(names: impl IntoIterator<Item = &'a TableName>) -> (Vec<String>, Vec<String>) {
    names.into_iter().map(|n| (n.schema.clone(), n.name.clone())).unzip()
}
