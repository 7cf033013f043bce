//! From the engine's errors to the API's.

use switchyard_engine::{Error, Kind};

use crate::dto::ApiError;

impl ApiError {
    /// From its three parts.
    pub fn new(code: &str, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        ApiError { code: code.to_owned(), message: message.into(), remedy: remedy.into() }
    }

    /// Arguments that do not fit.
    pub fn invalid(command: &str, why: &str) -> Self {
        ApiError::new("invalid", format!("“{command}” cannot be asked like this: {why}."), "Correct the input.")
    }

    /// Several problems with one input, each a sentence.
    pub fn problems(problems: &[String]) -> Self {
        ApiError::new("invalid", problems.join(" "), "Correct the input.")
    }
}

impl From<Error> for ApiError {
    fn from(e: Error) -> Self {
        ApiError::from(&e)
    }
}

impl From<&Error> for ApiError {
    fn from(e: &Error) -> Self {
        ApiError::new(code(e.kind), e.sentence(), e.remedy())
    }
}

/// Stable words; a consumer may branch on them.
fn code(kind: Kind) -> &'static str {
    match kind {
        Kind::PasswordNeeded => "password_needed",
        Kind::NotFound => "not_found",
        Kind::Refused => "refused",
        Kind::Invalid => "invalid",
        Kind::LeaseLost => "lease_lost",
        Kind::Store => "store",
        Kind::StoreNewer => "store_newer",
        Kind::StoreDamaged => "store_damaged",
        Kind::Keyring => "keyring",
        Kind::Unreachable | Kind::NotReady | Kind::Deadline | Kind::TooManyConnections => "unreachable",
        Kind::TlsRefused | Kind::TlsNotTrusted => "tls",
        Kind::LoginRefused | Kind::NoSuchDatabase | Kind::Privilege => "login",
        Kind::LockTimeout
        | Kind::Unsuitable
        | Kind::NoFreeSlot
        | Kind::Router
        | Kind::Tool
        | Kind::Statement
        | Kind::Contradiction => "failed",
    }
}
