//! From an endpoint and a secret to a [`Database`]: the one place that chooses the engine's adapter.
//!
//! Today every endpoint is PostgreSQL; the second engine adds a `match` here and nowhere else. Never reads the keyring:
//! whoever calls hands the secret in, and it goes no further than the connection.

use std::{sync::Arc, time::Duration};

use switchyard_model::{Side, endpoint::Endpoint};

use super::{Database, postgres::PgDatabase};
use crate::{Result, secret::Secret};

pub use super::postgres::{
    classify::classify,
    options::{APPLICATION, options},
    probe::Probe,
    scratch_copy::ScratchCopy,
    shadow::{Asker, Depends, Proof, Running, SHADOW, UnderShadow},
    under_load::{LOAD, UnderLoad},
};

/// How long a connection may take, from name resolution to the end of the login.
pub const CONNECT_DEADLINE: Duration = Duration::from_secs(5);

/// An endpoint and the secret that opens it.
#[derive(Debug, Clone, Copy)]
pub struct Login<'a> {
    /// Where.
    pub endpoint: &'a Endpoint,
    /// None where the server asks for none, or where nobody has typed it yet.
    pub password: Option<&'a Secret>,
}

/// Connects and hands out every capability; returns only after one login has succeeded.
///
/// # Errors
/// A sentence that names host, port, user and database, and what is wrong with them.
pub async fn connect(side: Side, login: Login<'_>, pool_size: u32) -> Result<Database> {
    Ok(bundle(connect_postgres(side, login, pool_size).await?))
}

/// The same, as the PostgreSQL adapter itself: for what needs its pool.
///
/// # Errors
/// As [`connect`].
pub async fn connect_postgres(side: Side, login: Login<'_>, pool_size: u32) -> Result<Arc<PgDatabase>> {
    Ok(Arc::new(PgDatabase::connect(side, login, pool_size).await?))
}

/// Every capability of one PostgreSQL database.
pub fn bundle(database: Arc<PgDatabase>) -> Database {
    Database {
        label: database.label().to_owned(),
        side: database.side(),
        catalog: database.clone(),
        schemas: database.clone(),
        heartbeat: database.clone(),
        loads: database.clone(),
        consumers: database.clone(),
        fence: database.clone(),
        drills: database.clone(),
        headroom: database.clone(),
        transactions: database.clone(),
        sequences: database.clone(),
        feeds: database.clone(),
        rows: database.clone(),
        positions: database.clone(),
        repairs: database.clone(),
        probes: database.clone(),
        synchronous: database.clone(),
        sources: database.clone(),
        statements: database.clone(),
        tables: database,
    }
}

/// Logs in once and says what was found: the form's Test button.
///
/// # Errors
/// As [`connect`].
pub async fn probe(login: Login<'_>) -> Result<Probe> {
    super::postgres::probe::probe(login).await
}
