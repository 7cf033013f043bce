//! From the engine's errors to the API's.

use switchyard_engine::{Error, Kind};

use crate::dto::ApiError;

impl ApiError {
    /// From its three parts.
    pub fn new(code: &str, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        ApiError { code: code.to_owned(), message: legible(message.into()), remedy: legible(remedy.into()) }
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

/// Longer than this nobody reads, in characters.
const MOST: usize = 2_000;

/// What somebody typed is a part of most sentences: one that is endless is shortened, and what would steer a terminal, or turn
/// the reading direction around, is written out.
fn legible(text: String) -> String {
    let steers =
        |c: char| (c.is_control() && c != '\n') || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if text.len() <= MOST && !text.contains(steers) {
        return text;
    }
    let mut out = String::new();
    for c in text.chars().take(MOST) {
        if steers(c) { out.extend(c.escape_unicode()) } else { out.push(c) }
    }
    if text.chars().nth(MOST).is_some() {
        out.push('…');
    }
    out
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_somebody_typed_neither_steers_a_terminal_nor_fills_it() {
        let of = |typed: &str| ApiError::new("invalid", format!("There is no “{typed}”."), "Correct it.").message;
        assert_eq!(of("größe 名前"), "There is no “größe 名前”.", "what reads well stays");
        assert_eq!(of("\u{1b}[31m\u{202e}"), "There is no “\\u{1b}[31m\\u{202e}”.");
        let long = of(&"é".repeat(5_000));
        assert!(long.ends_with('…') && long.chars().count() == MOST + 1, "{long}");
    }
}
