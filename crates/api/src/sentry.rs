//! The sentry for hosts: at a PgBouncer, without a store.

use std::time::Duration;

pub use switchyard_engine::route::pgbouncer::sentry::{Look, Sentry};
use switchyard_engine::secret::Secret;

use crate::dto::ApiError;

/// Stands at one database of one PgBouncer; does not connect yet.
///
/// # Errors
/// `invalid` when the console would take the database's name for something else.
pub fn at(
    host: &str,
    port: u16,
    user: &str,
    password: Option<String>,
    database: &str,
    longest: Duration,
) -> Result<Sentry, ApiError> {
    Ok(Sentry::at(host, port, user, password.map(Secret::new), database, longest)?)
}

/// The password of a console's user that libpq's password file has; None where it has none.
pub async fn known_password(host: &str, port: u16, user: &str) -> Option<String> {
    let found = switchyard_engine::import::password(host, port, "pgbouncer", user).await;
    found.map(|secret| secret.expose().to_owned())
}
