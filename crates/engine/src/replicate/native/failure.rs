//! Deadlines for what we ask of the two servers, and what their refusals mean for replication.

use std::{future::Future, time::Duration};

use sqlx::postgres::PgDatabaseError;

use crate::{
    db::postgres::fence::SURPASSED,
    error::{Error, Kind, Result},
    wire,
};

/// For a look into catalogs and views.
pub(super) const QUICK: Duration = Duration::from_secs(3);

/// For a statement that makes or drops something.
pub(super) const STATEMENT: Duration = Duration::from_secs(30);

/// Waits for an answer, at most so long. A server that is frozen rather than gone never refuses, so every question has
/// a deadline.
pub(super) async fn ask<T>(
    doing: String,
    deadline: Duration,
    answer: impl Future<Output = std::result::Result<T, sqlx::Error>> + Send,
) -> Result<T> {
    match tokio::time::timeout(deadline, answer).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(failed(doing, error)),
        Err(_) => Err(Error::new(Kind::Deadline, doing, format!("no answer within {} s", deadline.as_secs()))),
    }
}

/// An error of the driver, with what was being done.
pub(super) fn failed(doing: String, error: sqlx::Error) -> Error {
    if let Some(why) = wire::broken(&error) {
        return Error::new(Kind::Unreachable, doing, why).caused_by(error);
    }
    let (kind, why) = match &error {
        sqlx::Error::Database(e) => {
            let state = e.code().unwrap_or_default();
            (kind(&state, e.message()), told(e.as_ref(), &state))
        }
        sqlx::Error::PoolTimedOut => (Kind::Unreachable, "no connection could be had in time".to_owned()),
        sqlx::Error::PoolClosed => (Kind::Unreachable, "the connection was closed on our side".to_owned()),
        sqlx::Error::Tls(e) => (Kind::TlsRefused, e.to_string()),
        other => (Kind::Statement, other.to_string()),
    };
    Error::new(kind, doing, why).caused_by(error)
}

fn told(e: &(dyn sqlx::error::DatabaseError + 'static), state: &str) -> String {
    let mut text = e.message().to_owned();
    if let Some(pg) = e.try_downcast_ref::<PgDatabaseError>() {
        for more in [pg.detail(), pg.hint()].into_iter().flatten() {
            text = format!("{text}; {more}");
        }
    }
    format!("{text} (SQLSTATE {state})")
}

fn kind(state: &str, message: &str) -> Kind {
    match state {
        SURPASSED => Kind::Contradiction,
        "42501" => Kind::Privilege,
        // configuration_limit_exceeded: all slots are in use
        "53400" => Kind::NoFreeSlot,
        "53300" => Kind::TooManyConnections,
        "55P03" | "40P01" => Kind::LockTimeout,
        "57014" if message.contains("lock timeout") => Kind::LockTimeout,
        "57014" | "25P03" | "25P04" => Kind::Deadline,
        "57P01" | "57P02" | "57P03" => Kind::NotReady,
        // undefined_object: a publication or subscription that is not there
        "42704" => Kind::NotFound,
        // wal_level and its kin
        "55000" | "0A000" => Kind::Unsuitable,
        // The subscriber's server could not log in to the publisher.
        s if s.starts_with("08") => reach_kind(message),
        _ => Kind::Statement,
    }
}

/// What kept one server from logging in to the other, from libpq's words.
fn reach_kind(message: &str) -> Kind {
    if message.contains("root certificate") || message.contains("certificate verify failed") {
        Kind::TlsNotTrusted
    } else if message.contains("does not support SSL") {
        Kind::TlsRefused
    } else if message.contains("authentication failed") || message.contains("pg_hba.conf") {
        Kind::LoginRefused
    } else if message.contains("no password supplied") || message.contains("password is required") {
        Kind::PasswordNeeded
    } else {
        Kind::Unreachable
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_other_servers_login_has_kinds_of_its_own() {
        for (message, expected) in [
            ("could not connect to the publisher: root certificate file \"/x\" does not exist", Kind::TlsNotTrusted),
            ("connection to server failed: FATAL:  password authentication failed for user \"a\"", Kind::LoginRefused),
            ("server does not support SSL, but SSL was required", Kind::TlsRefused),
            ("connection refused", Kind::Unreachable),
        ] {
            assert_eq!(kind("08006", message), expected, "{message}");
        }
    }
}
