//! From what the driver or the server says to our [`Kind`] and a sentence. Messages pass through as the server wrote
//! them; a password is never among them.

use std::io;

use sqlx::{error::DatabaseError, postgres::PgDatabaseError};
use switchyard_model::endpoint::Endpoint;

use super::{
    fence::SURPASSED,
    options::{address, connecting},
};
use crate::{Error, Kind, error::words, wire};

/// A failed statement.
pub fn classify(doing: impl Into<String>, error: sqlx::Error) -> Error {
    if let Some(why) = wire::broken(&error) {
        return Error::new(Kind::Unreachable, doing, why).caused_by(error);
    }
    let (kind, why) = match &error {
        sqlx::Error::Database(e) => (state_kind(&code(e.as_ref()), e.message()), told(e.as_ref())),
        sqlx::Error::Tls(e) => (Kind::TlsNotTrusted, e.to_string()),
        sqlx::Error::PoolTimedOut => (
            Kind::Unreachable,
            "no connection was to be had in time: the server does not answer, or has none left".into(),
        ),
        sqlx::Error::PoolClosed => (Kind::Unreachable, "the connection was closed on our side".into()),
        other => (Kind::Statement, other.to_string()),
    };
    Error::new(kind, doing, why).caused_by(error)
}

/// A failed login.
pub(super) fn refused(endpoint: &Endpoint, has_password: bool, error: sqlx::Error) -> Error {
    let (kind, why) = match &error {
        sqlx::Error::Database(e) => login_refused(endpoint, has_password, e.as_ref()),
        sqlx::Error::Io(e) => io_refused(endpoint, e),
        sqlx::Error::Tls(e) => tls_refused(endpoint, &e.to_string()),
        // Also what a connection that ends in the middle of the login looks like.
        sqlx::Error::Protocol(_) => {
            (Kind::Unreachable, format!("{} hangs up, or does not answer like PostgreSQL", address(endpoint)))
        }
        other => (Kind::Unreachable, format!("{} does not answer like PostgreSQL ({other})", address(endpoint))),
    };
    Error::new(kind, connecting(endpoint), why).caused_by(error)
}

fn login_refused(endpoint: &Endpoint, has_password: bool, e: &(dyn DatabaseError + 'static)) -> (Kind, String) {
    let message = e.message();
    match code(e).as_str() {
        "28P01" | "28000" if !has_password && message.contains("password") => {
            (Kind::PasswordNeeded, format!("the server wants a password for role “{}”", endpoint.user))
        }
        "28P01" => (Kind::LoginRefused, format!("the server refused the password of role “{}”", endpoint.user)),
        "28000" if message.contains("no encryption") && message.contains("pg_hba") => (
            Kind::LoginRefused,
            format!("pg_hba.conf has no entry for this login without TLS; choose TLS mode require ({message})"),
        ),
        "28000" => (Kind::LoginRefused, format!("the server does not let this login in: {message}")),
        "3D000" => (Kind::NoSuchDatabase, format!("there is no database “{}” on this server", endpoint.database)),
        "53300" => (Kind::TooManyConnections, format!("the server has no connection left: {message}")),
        "57P03" => (Kind::NotReady, format!("the server is not ready: {message}")),
        state => (state_kind(state, message), told(e)),
    }
}

fn io_refused(endpoint: &Endpoint, e: &io::Error) -> (Kind, String) {
    let text = e.to_string();
    let at = address(endpoint);
    if text.contains("certificate") || text.contains("peer sent") || text.contains("tls") || text.contains("TLS") {
        return tls_refused(endpoint, &text);
    }
    if text.contains("failed to lookup address") {
        return (Kind::Unreachable, format!("the host name “{}” cannot be resolved", endpoint.host));
    }
    let why = match e.kind() {
        io::ErrorKind::ConnectionRefused => format!("nothing listens on {at}"),
        io::ErrorKind::NotFound => format!("there is no socket {at}"),
        io::ErrorKind::PermissionDenied => format!("this user may not open {at}"),
        io::ErrorKind::TimedOut => format!("{at} did not answer; a firewall that drops packets looks like this"),
        io::ErrorKind::ConnectionReset | io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionAborted => {
            format!("{at} closed the connection during the login; a proxy without a server behind it does that")
        }
        _ => format!("{at} cannot be reached ({})", words(e)),
    };
    (Kind::Unreachable, why)
}

fn tls_refused(endpoint: &Endpoint, text: &str) -> (Kind, String) {
    if text.contains("does not support TLS") {
        let why =
            format!("the server on {} offers no TLS, and mode {} demands it", address(endpoint), endpoint.tls.word());
        return (Kind::TlsRefused, why);
    }
    let why = if text.contains("UnknownIssuer") || text.contains("BadSignature") {
        match endpoint.ca_file.as_deref().filter(|f| !f.is_empty()) {
            Some(file) => format!("the server's certificate was not signed by the authority in “{file}”"),
            None => "the server's certificate was not signed by an authority this machine trusts".to_owned(),
        }
    } else if text.contains("NotValidForName") || text.contains("not valid for name") {
        format!("the server's certificate is not made out to “{}”", endpoint.host)
    } else if text.contains("Expired") || text.contains("expired") {
        "the server's certificate has expired".to_owned()
    } else {
        format!("the TLS handshake failed ({text})")
    };
    (Kind::TlsNotTrusted, why)
}

/// SQLSTATE (and for some the message) to kind.
fn state_kind(state: &str, message: &str) -> Kind {
    match state {
        SURPASSED => Kind::Contradiction,
        "28P01" | "28000" => Kind::LoginRefused,
        "3D000" => Kind::NoSuchDatabase,
        "42501" => Kind::Privilege,
        // lock_not_available, deadlock_detected
        "55P03" | "40P01" => Kind::LockTimeout,
        // query_canceled is also what a lock timeout of older servers and pg_cancel_backend give.
        "57014" if message.contains("lock timeout") => Kind::LockTimeout,
        // query_canceled, idle_in_transaction_session_timeout, transaction_timeout, idle_session_timeout
        "57014" | "25P03" | "25P04" | "57P05" => Kind::Deadline,
        "53300" => Kind::TooManyConnections,
        // configuration_limit_exceeded: all replication slots in use
        "53400" => Kind::NoFreeSlot,
        "53000" | "55000" if message.contains("slot") && message.contains("in use") => Kind::NoFreeSlot,
        // admin_shutdown, crash_shutdown, cannot_connect_now, database_dropped
        "57P01" | "57P02" | "57P03" | "57P04" => Kind::NotReady,
        // object_not_in_prerequisite_state, feature_not_supported, undefined_function
        "55000" | "0A000" | "42883" => Kind::Unsuitable,
        // connection_exception and its kin
        s if s.starts_with("08") => Kind::Unreachable,
        _ => Kind::Statement,
    }
}

fn code(e: &(dyn DatabaseError + 'static)) -> String {
    e.code().map_or_else(String::new, |c| c.into_owned())
}

/// The server's own words: message, detail and hint.
fn told(e: &(dyn DatabaseError + 'static)) -> String {
    let mut text = e.message().to_owned();
    if let Some(pg) = e.try_downcast_ref::<PgDatabaseError>() {
        for more in [pg.detail(), pg.hint()].into_iter().flatten() {
            text.push_str("; ");
            text.push_str(more);
        }
        text.push_str(&format!(" (SQLSTATE {})", pg.code()));
    }
    text
}

/// Whether a statement only failed to get its lock in time, so that trying it again is all it takes. For statements
/// whose `statement_timeout` is the limit of their waiting for locks.
pub(super) fn is_lock_timeout(error: &sqlx::Error) -> bool {
    matches!(error.as_database_error().map(code).as_deref(), Some("55P03" | "40P01" | "57014"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_have_kinds() {
        for (state, message, kind) in [
            ("42501", "permission denied for table t", Kind::Privilege),
            ("55P03", "canceling statement due to lock timeout", Kind::LockTimeout),
            ("40P01", "deadlock detected", Kind::LockTimeout),
            ("57014", "canceling statement due to statement timeout", Kind::Deadline),
            ("25P03", "terminating connection due to idle-in-transaction timeout", Kind::Deadline),
            ("53400", "all replication slots are in use", Kind::NoFreeSlot),
            ("55000", "could not drop, replication slot is active", Kind::Unsuitable),
            ("57P01", "terminating connection due to administrator command", Kind::NotReady),
            ("23505", "duplicate key", Kind::Statement),
        ] {
            assert_eq!(state_kind(state, message), kind, "{state} {message}");
        }
    }
}
