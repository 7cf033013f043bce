//! The one error of the engine, and the one function that turns its kind into a remedy.

use std::fmt;

/// What kind of thing went wrong; decides whether to try again and what the operator is told to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Name resolution, refused, reset, no route.
    Unreachable,
    /// The server does not speak TLS although it was demanded, or the other way round.
    TlsRefused,
    /// The certificate could not be verified.
    TlsNotTrusted,
    /// Wrong user or password, or no entry in `pg_hba.conf`.
    LoginRefused,
    /// No password is known for this endpoint.
    PasswordNeeded,
    /// The database does not exist.
    NoSuchDatabase,
    /// Our role may not do this.
    Privilege,
    /// The server has no connection left.
    TooManyConnections,
    /// The server is starting up or shutting down.
    NotReady,
    /// A lock was not gained in its time, or a deadlock was broken.
    LockTimeout,
    /// An answer took longer than its deadline.
    Deadline,
    /// A setting, version or shape of the server stands in the way.
    Unsuitable,
    /// No replication slot, sender or worker is free.
    NoFreeSlot,
    /// The router answered with an error.
    Router,
    /// A tool is missing or failed.
    Tool,
    /// The server refused the statement for another reason.
    Statement,
    /// The store cannot be written or read.
    Store,
    /// The store was written by a newer version.
    StoreNewer,
    /// The store is damaged.
    StoreDamaged,
    /// Another process drives this migration.
    LeaseLost,
    /// The state or a gate does not allow it.
    Refused,
    /// The input is wrong.
    Invalid,
    /// It does not exist.
    NotFound,
    /// The keyring does not answer.
    Keyring,
    /// What was observed contradicts what must hold; a person has to look.
    Contradiction,
}

/// Whether the same act may simply be tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// Yes, after a pause.
    Later,
    /// No: a person has to change something first.
    Manual,
}

/// Kind → whether to retry and what to do. The default is manual.
pub fn policy(kind: Kind) -> (Retry, &'static str) {
    use Retry::{Later, Manual};
    match kind {
        Kind::Unreachable => {
            (Later, "Check host and port, that the server runs, and that a firewall lets this machine in.")
        }
        Kind::TlsRefused => (Manual, "Choose another TLS mode for this endpoint, or switch TLS on at the server."),
        Kind::TlsNotTrusted => {
            (Manual, "Choose the CA file that signed the server's certificate, or another TLS mode.")
        }
        Kind::LoginRefused => (Manual, "Check user and password, and the server's pg_hba.conf."),
        Kind::PasswordNeeded => {
            (Manual, "Type the password, or put it into the keyring or into libpq's password file (~/.pgpass).")
        }
        Kind::NoSuchDatabase => (Manual, "Check the database name; it is case-sensitive."),
        Kind::Privilege => (Manual, "Grant the role what is missing, or use another role."),
        Kind::TooManyConnections => (Later, "Free connections on the server, or raise max_connections."),
        Kind::NotReady => (Later, "Wait until the server has started."),
        Kind::LockTimeout => (Later, "Look for long transactions on these tables, end them, and try again."),
        Kind::Deadline => (Later, "Find out what is slow or unreachable, and try again."),
        Kind::Unsuitable => (Manual, "Change the setting that the message names."),
        Kind::NoFreeSlot => (
            Manual,
            "Drop slots or subscriptions that are not needed, or raise max_replication_slots, max_wal_senders or \
             max_logical_replication_workers and restart the server.",
        ),
        Kind::Router => (Manual, "Check the router's admin address, user and configuration."),
        Kind::Tool => (Manual, "Install the tool, or look at its output above."),
        Kind::Statement => (Manual, "Read the server's message; it names the object."),
        Kind::Store => (
            Manual,
            "Free disk space, or check the permissions of the store's folder. Nothing was run without being journaled.",
        ),
        Kind::StoreNewer => (Manual, "Update Switchyard on this machine; the store is left as it is."),
        Kind::StoreDamaged => (Manual, "Restore the store from a copy; the damaged file is left as it is."),
        Kind::LeaseLost => {
            (Manual, "Another process drives this migration; follow it there, or wait until its lease lapses.")
        }
        Kind::Refused => (Manual, "Do what the message says comes first."),
        Kind::Invalid => (Manual, "Correct the input."),
        Kind::NotFound => (Manual, "Check the name."),
        Kind::Keyring => (Manual, "Unlock the keyring, or type the password for this session."),
        Kind::Contradiction => (Manual, "Look at both sides and the routers before anything else is run."),
    }
}

/// An error with what was being done. Never holds a secret.
#[derive(Debug)]
pub struct Error {
    /// Decides retry and remedy.
    pub kind: Kind,
    /// `connecting to orders-eu`: what was being done, without a full stop.
    pub doing: String,
    /// What went wrong, one clause.
    pub why: String,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// Result of everything in the engine.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// From kind, what was being done and what went wrong.
    pub fn new(kind: Kind, doing: impl Into<String>, why: impl Into<String>) -> Self {
        Error { kind, doing: doing.into(), why: why.into(), source: None }
    }

    /// The same with its cause.
    pub fn caused_by(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.source = Some(Box::new(source));
        self
    }

    /// As a sentence of its own: `Connecting to orders-eu: nothing listens on 10.0.0.1:5432.`
    pub fn sentence(&self) -> String {
        sentence(&self.to_string())
    }

    /// What to do about it.
    pub fn remedy(&self) -> &'static str {
        policy(self.kind).1
    }

    /// Whether the same act may be tried again.
    pub fn retry(&self) -> Retry {
        policy(self.kind).0
    }
}

/// A clause as a sentence: it begins with a capital and ends with a full stop.
pub fn sentence(clause: &str) -> String {
    let mut chars = clause.trim().trim_end_matches('.').chars();
    let Some(first) = chars.next() else { return String::new() };
    // A name in quotes, or a command, is left as it is.
    format!("{}{}.", first.to_uppercase(), chars.as_str())
}

/// The system's own words for an error, without the number that only a programmer looks up.
pub fn words(e: &std::io::Error) -> String {
    let text = e.to_string();
    match text.rfind(" (os error ") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.doing, self.why)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|s| s as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clauses_become_sentences() {
        let e = Error::new(Kind::Store, "opening the store /x", "the disk is full");
        assert_eq!(e.sentence(), "Opening the store /x: the disk is full.");
        assert_eq!(sentence("“x” is no name."), "“x” is no name.", "one full stop, and quotes as they are");
        assert_eq!(sentence(""), "", "nothing is said about nothing");
    }

    #[test]
    fn the_systems_words_come_without_its_numbers() {
        assert_eq!(words(&std::io::Error::from_raw_os_error(2)), "No such file or directory");
        assert_eq!(words(&std::io::Error::other("x")), "x");
    }
}
