//! How we log in: address, TLS, and the settings every session of ours starts with.

use sqlx::{
    ConnectOptions, Connection, PgConnection,
    postgres::{PgConnectOptions, PgSslMode},
};
use switchyard_model::endpoint::{Endpoint, TlsMode};

use super::classify::refused;
use crate::{Error, Kind, Result, db::connect::CONNECT_DEADLINE, error::words, secret::Secret};

/// The `application_name` of our sessions; [`super::fence`] leaves sessions with this name out of its lists.
pub const APPLICATION: &str = "switchyard";

/// Sent with the login, so they cost no round trip, outrank the role's and database's own settings, and come back
/// after a `RESET`.
const SETTINGS: [(&str, &str); 7] = [
    // Nobody's objects can shadow the ones our statements mean, and type names come out qualified.
    ("search_path", "pg_catalog"),
    // For light statements; a digest lifts it for itself.
    ("statement_timeout", "10s"),
    ("lock_timeout", "2s"),
    ("idle_in_transaction_session_timeout", "30s"),
    // Both sides render alike whatever their configuration says. DateStyle and TimeZone are part of every login.
    ("IntervalStyle", "postgres"),
    ("bytea_output", "hex"),
    ("default_transaction_isolation", "read committed"),
];

/// Options for one endpoint. Everything the endpoint decides is set, so that no `PG…` variable of the environment does.
///
/// # Errors
/// `Invalid` when the CA file is missing or holds no certificate.
pub fn options(endpoint: &Endpoint, password: Option<&Secret>) -> Result<PgConnectOptions> {
    Ok(bare(endpoint, password)?.application_name(APPLICATION).extra_float_digits(3).options(SETTINGS))
}

/// The same without any setting of ours: for statements that are somebody else's.
///
/// # Errors
/// As [`options`].
pub(super) fn bare(endpoint: &Endpoint, password: Option<&Secret>) -> Result<PgConnectOptions> {
    let mut options = PgConnectOptions::new_without_pgpass()
        .host(&endpoint.host)
        .port(endpoint.port)
        .username(&endpoint.user)
        // Empty rather than unset: unset would let PGPASSWORD through.
        .password(password.map_or("", Secret::expose))
        .database(&endpoint.database)
        .ssl_mode(mode(endpoint.tls))
        // Our errors say what was done; a digest's text is a page long, and the driver would print it as slow.
        .disable_statement_logging();
    if let Some(file) = checked_ca(endpoint)? {
        options = options.ssl_root_cert(file);
    }
    Ok(options)
}

fn mode(tls: TlsMode) -> PgSslMode {
    match tls {
        TlsMode::Disable => PgSslMode::Disable,
        TlsMode::Prefer => PgSslMode::Prefer,
        TlsMode::Require => PgSslMode::Require,
        TlsMode::VerifyCa => PgSslMode::VerifyCa,
        TlsMode::VerifyFull => PgSslMode::VerifyFull,
    }
}

/// The CA file where one is used. Looked at here because the driver's own error would not name the file.
fn checked_ca(endpoint: &Endpoint) -> Result<Option<&str>> {
    let Some(file) = endpoint.ca_file.as_deref().filter(|f| !f.is_empty()) else { return Ok(None) };
    match endpoint.tls {
        TlsMode::Disable | TlsMode::Prefer | TlsMode::Require => return Ok(None),
        TlsMode::VerifyCa | TlsMode::VerifyFull => {}
    }
    let doing = || format!("reading the CA file of {}", endpoint.name);
    let text = std::fs::read(file).map_err(|e| {
        Error::new(Kind::Invalid, doing(), format!("“{file}” cannot be read ({}): choose another CA file", words(&e)))
            .caused_by(e)
    })?;
    let marker = b"-----BEGIN CERTIFICATE-----";
    if !text.windows(marker.len()).any(|w| w == marker) {
        let why = format!("“{file}” holds no certificate in PEM form: choose the file with “BEGIN CERTIFICATE” in it");
        return Err(Error::new(Kind::Invalid, doing(), why));
    }
    Ok(Some(file))
}

/// One login within its deadline, its failure told in a sentence.
pub(super) async fn open(endpoint: &Endpoint, has_password: bool, options: &PgConnectOptions) -> Result<PgConnection> {
    let mut connection = open_bare(endpoint, has_password, options).await?;
    watch_client(&mut connection).await;
    wait_for_the_disk(&mut connection).await.map_err(|e| refused(endpoint, has_password, e))?;
    Ok(connection)
}

/// The same, and nothing is set in the session.
pub(super) async fn open_bare(
    endpoint: &Endpoint,
    has_password: bool,
    options: &PgConnectOptions,
) -> Result<PgConnection> {
    match tokio::time::timeout(CONNECT_DEADLINE, PgConnection::connect_with(options)).await {
        Ok(Ok(connection)) => Ok(connection),
        Ok(Err(error)) => Err(refused(endpoint, has_password, error)),
        Err(_) => {
            let why = format!(
                "{} did not answer within {} s; a firewall that drops packets looks like this",
                address(endpoint),
                CONNECT_DEADLINE.as_secs()
            );
            Err(Error::new(Kind::Unreachable, connecting(endpoint), why))
        }
    }
}

/// Lets a statement end within a second when its client is gone, instead of running to its end. Not among
/// [`SETTINGS`], because a server on a platform that cannot do it would refuse the login; there it stays as it is.
pub(super) async fn watch_client(connection: &mut PgConnection) {
    let _ = sqlx::raw_sql("SELECT pg_catalog.set_config('client_connection_check_interval', '1000', false)")
        .execute(connection)
        .await;
}

/// What we commit is on the disk when we are told so, also where the server, the database or our role has `synchronous_commit`
/// off: a fence, a valve or a proof that a crash takes back is none. Whatever waits for more than our own disk is left as it is,
/// unless it is a stream of ours that is waited for: what ends that wait must not wait itself.
pub(super) async fn wait_for_the_disk(connection: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::raw_sql(
        "SELECT pg_catalog.set_config('synchronous_commit', 'local', false) \
          WHERE pg_catalog.current_setting('synchronous_commit') = 'off' \
             OR pg_catalog.current_setting('synchronous_standby_names') LIKE '\"switchyard\\_%'",
    )
    .execute(connection)
    .await
    .map(drop)
}

/// What was being done, for every error of a login.
pub(super) fn connecting(endpoint: &Endpoint) -> String {
    format!(
        "connecting to {} as {} on {}, database {}",
        endpoint.name,
        endpoint.user,
        address(endpoint),
        endpoint.database
    )
}

/// `host:port`, or the socket's folder.
pub(super) fn address(endpoint: &Endpoint) -> String {
    if endpoint.host.starts_with('/') {
        format!("{}/.s.PGSQL.{}", endpoint.host.trim_end_matches('/'), endpoint.port)
    } else if endpoint.host.contains(':') {
        format!("[{}]:{}", endpoint.host, endpoint.port)
    } else {
        format!("{}:{}", endpoint.host, endpoint.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint() -> Endpoint {
        Endpoint {
            name: "orders".into(),
            host: "::1".into(),
            port: 5432,
            database: "orders eu".into(),
            user: "ann".into(),
            tls: TlsMode::Disable,
            ca_file: None,
            peer_address: None,
        }
    }

    #[test]
    fn the_login_names_the_address_as_a_person_would_type_it() {
        assert_eq!(connecting(&endpoint()), "connecting to orders as ann on [::1]:5432, database orders eu");
        let socket = Endpoint { host: "/run/postgresql".into(), ..endpoint() };
        assert_eq!(address(&socket), "/run/postgresql/.s.PGSQL.5432");
    }

    #[test]
    fn a_ca_file_counts_only_where_it_is_verified_against() {
        let mut e = Endpoint { ca_file: Some("/nowhere/ca.pem".into()), ..endpoint() };
        assert!(options(&e, None).is_ok(), "a mode that verifies nothing must not fail over an unused file");
        e.tls = TlsMode::VerifyFull;
        let Err(error) = options(&e, None) else { panic!("a missing CA file was accepted") };
        assert!(error.why.contains("/nowhere/ca.pem"), "the sentence names the file: {error}");
    }
}
