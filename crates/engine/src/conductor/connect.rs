//! From a migration's decisions to a connected pair.

use std::sync::Arc;

use switchyard_model::{Side, endpoint::Endpoint, migration::MigrationSpec, router::RouterConfig};

use crate::{
    db::connect::{self as db, bundle, connect_postgres},
    error::{Error, Kind, Result},
    import,
    keychain::Keychain,
    replicate::native::{Native, NativeConfig, Party},
    route::{Router, group::Routers, haproxy::HaProxy, pgbouncer::PgBouncer},
    saga::Pair,
    secret::Secret,
    store::Store,
    tool,
};

/// Connections per side for everything but the fence and the digests' own.
const POOL: u32 = 8;

/// An endpoint and what opens it.
struct Login {
    endpoint: Endpoint,
    password: Option<Secret>,
}

impl Login {
    fn for_tools(self, pool: sqlx::PgPool) -> Arc<tool::Login> {
        Arc::new(tool::Login {
            label: self.endpoint.name.clone(),
            pool,
            endpoint: self.endpoint,
            password: self.password,
        })
    }
}

/// Secrets by name.
type Secrets = Vec<(String, Secret)>;

/// Why a pair is not connected.
#[derive(Debug)]
pub struct NotConnected {
    /// The side that failed; None when it was something in front of both.
    pub side: Option<Side>,
    /// The error.
    pub error: Error,
    /// Secrets that have to be typed.
    pub passwords_needed: Vec<String>,
}

/// Connects both sides and makes the routers.
///
/// # Errors
/// The first side that does not answer, or every secret that is missing.
pub async fn connect(
    spec: &MigrationSpec,
    store: &Store,
    keychain: &Keychain,
) -> std::result::Result<Pair, NotConnected> {
    let plain = |error| NotConnected { side: None, error, passwords_needed: Vec::new() };
    let source = store.endpoint(&spec.source).await.map_err(plain)?;
    let target = store.endpoint(&spec.target).await.map_err(plain)?;
    let mut missing = Vec::new();
    let source_login = login(source, keychain, &mut missing).await.map_err(plain)?;
    let target_login = login(target, keychain, &mut missing).await.map_err(plain)?;
    let routers = routers(spec, keychain, &mut missing).await.map_err(plain)?;
    if !missing.is_empty() {
        let error =
            Error::new(Kind::PasswordNeeded, "connecting", format!("no password is known for {}", missing.join(", ")));
        return Err(NotConnected { side: None, error, passwords_needed: missing });
    }
    let (a, b) = tokio::join!(open(Side::Source, &source_login), open(Side::Target, &target_login));
    let at = |side| move |error| NotConnected { side: Some(side), error, passwords_needed: Vec::new() };
    let (a, b) = (a.map_err(at(Side::Source))?, b.map_err(at(Side::Target))?);
    let replicator = Native::new(NativeConfig {
        source: party(&source_login, a.pool().clone()),
        target: party(&target_login, b.pool().clone()),
        slot_forward: spec.slot(Side::Source),
        slot_reverse: spec.slot(Side::Target),
    });
    // What a stream's statements look like depends on both versions, and a preview shows the very statements.
    replicator.learn().await.map_err(plain)?;
    let mut secrets = routers.1;
    for login in [&source_login, &target_login] {
        secrets.extend(login.password.clone().map(|p| (login.endpoint.name.clone(), p)));
    }
    Ok(Pair {
        secrets,
        source_login: source_login.for_tools(a.pool().clone()),
        target_login: target_login.for_tools(b.pool().clone()),
        source: bundle(a),
        target: bundle(b),
        replicator: Arc::new(replicator),
        routers: routers.0,
    })
}

/// The routers alone, for whoever looks at them and at no database. Nothing is connected yet.
///
/// # Errors
/// Every password that is missing.
pub async fn routers_of(spec: &MigrationSpec, keychain: &Keychain) -> std::result::Result<Routers, NotConnected> {
    let mut missing = Vec::new();
    let plain = |error| NotConnected { side: None, error, passwords_needed: Vec::new() };
    let (routers, _) = routers(spec, keychain, &mut missing).await.map_err(plain)?;
    if missing.is_empty() {
        return Ok(routers);
    }
    let why = format!("no password is known for {}", missing.join(", "));
    let error = Error::new(Kind::PasswordNeeded, "asking the routers", why);
    Err(NotConnected { side: None, error, passwords_needed: missing })
}

async fn open(side: Side, login: &Login) -> Result<Arc<crate::db::postgres::PgDatabase>> {
    connect_postgres(side, db::Login { endpoint: &login.endpoint, password: login.password.as_ref() }, POOL).await
}

fn party(login: &Login, pool: sqlx::PgPool) -> Party {
    Party {
        label: login.endpoint.name.clone(),
        pool,
        endpoint: login.endpoint.clone(),
        password: login.password.clone(),
    }
}

async fn login(endpoint: Endpoint, keychain: &Keychain, missing: &mut Vec<String>) -> Result<Login> {
    let password = password_of(&endpoint, keychain).await?;
    if password.is_none() {
        missing.push(endpoint.name.clone());
    }
    Ok(Login { endpoint, password })
}

/// The password of an endpoint: from the keychain, else from libpq's own password file.
///
/// # Errors
/// `Keyring` when the keyring does not answer.
pub async fn password_of(endpoint: &Endpoint, keychain: &Keychain) -> Result<Option<Secret>> {
    match keychain.get(&endpoint.name).await? {
        Some(secret) => Ok(Some(secret)),
        None => Ok(import::password(&endpoint.host, endpoint.port, &endpoint.database, &endpoint.user).await),
    }
}

/// The password of a router's console, from the same two places.
async fn console_password(config: &RouterConfig, name: &str, keychain: &Keychain) -> Result<Option<Secret>> {
    if let Some(secret) = keychain.get(name).await? {
        return Ok(Some(secret));
    }
    Ok(match config {
        RouterConfig::PgBouncer { host, port, user, .. } => import::password(host, *port, "pgbouncer", user).await,
        RouterConfig::HaProxy { .. } => None,
    })
}

async fn routers(spec: &MigrationSpec, keychain: &Keychain, missing: &mut Vec<String>) -> Result<(Routers, Secrets)> {
    let mut all: Vec<Arc<dyn Router>> = Vec::new();
    let mut secrets = Secrets::new();
    for config in &spec.routers {
        let password = match config.secret_name() {
            None => None,
            Some(name) => {
                let found = console_password(config, &name, keychain).await?;
                match &found {
                    Some(secret) => secrets.push((name, secret.clone())),
                    None => missing.push(name),
                }
                found
            }
        };
        all.push(router(config, password));
    }
    Ok((Routers::new(all), secrets))
}

/// The one place that chooses a router's adapter.
fn router(config: &RouterConfig, password: Option<Secret>) -> Arc<dyn Router> {
    match config {
        RouterConfig::PgBouncer { host, port, user, rw_database, ro_database } => {
            Arc::new(PgBouncer::new(host, *port, user, password, rw_database, ro_database))
        }
        RouterConfig::HaProxy { address, rw_backend, ro_backend, source_server, target_server } => {
            Arc::new(HaProxy::new(address, rw_backend, ro_backend, source_server, target_server))
        }
    }
}
