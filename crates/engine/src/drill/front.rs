//! Where the canary comes in: the poolers of the migration, as the application does.

use switchyard_model::{migration::MigrationSpec, router::RouterConfig};

use crate::{
    error::{Error, Kind, Result},
    import,
    keychain::Keychain,
    secret::Secret,
};

/// A pooler with the canary's login.
#[derive(Debug, Clone)]
pub struct Front {
    /// Host, or the folder of a socket.
    pub host: String,
    /// Port.
    pub port: u16,
    /// The pool of writers.
    pub rw: String,
    /// The pool of readers.
    pub ro: String,
    /// The canary's role.
    pub user: String,
    /// Its password.
    pub password: Option<Secret>,
}

/// Name of the keyring's entry for a migration's canary.
pub fn canary_secret(migration: &str, role: &str) -> String {
    format!("canary {role} of {migration}")
}

/// Every pooler of the migration, with the canary's password from the keyring or from libpq's file.
///
/// # Errors
/// `Unsuitable` when there is no pooler; `Keyring` when the keyring does not answer.
pub async fn fronts(spec: &MigrationSpec, role: &str, keychain: &Keychain) -> Result<Vec<Front>> {
    let known = keychain.get(&canary_secret(&spec.name, role)).await?;
    let mut out = Vec::new();
    for router in &spec.routers {
        let RouterConfig::PgBouncer { host, port, rw_database, ro_database, .. } = router else { continue };
        let password = match &known {
            Some(secret) => Some(secret.clone()),
            None => import::password(host, *port, rw_database, role).await,
        };
        out.push(Front {
            host: host.clone(),
            port: *port,
            rw: rw_database.clone(),
            ro: ro_database.clone(),
            user: role.to_owned(),
            password,
        });
    }
    if out.is_empty() {
        let why = "the canary comes in where the application does, and this migration has no PgBouncer";
        return Err(Error::new(Kind::Unsuitable, "preparing a drill", why));
    }
    Ok(out)
}
