//! The store: endpoints, migrations, the journal, the lease, tickets, snapshots, samples, what operators decided of plans, captures of this machine. One SQLite file in WAL mode.
//!
//! Owns the file and its schema. Knows nothing of databases or routers, and never holds a secret.

mod accepted;
mod cached;
mod captures;
mod chain;
mod changes;
mod checkpoint;
mod consistency;
mod endpoints;
#[cfg(test)]
mod fixture;
mod journal;
mod lease;
mod migrations;
mod open;
mod reserve;
mod samples;
mod snapshots;
mod tickets;
mod timeline;

pub use cached::Cached;
pub use chain::{Chain, Head};
pub use changes::Changes;
pub use consistency::KeptFinding;
pub use journal::{Durability, NewEntry};
pub use lease::{Lease, TTL_MS};
pub use migrations::MigrationId;
pub use samples::{Bucket, Series};
pub use tickets::{Ticket, TicketState};

use sqlx::SqlitePool;

use crate::error::{Error, Kind};

/// The open store.
#[derive(Clone)]
pub struct Store {
    /// Everything but what happens inside a write pause; every commit is on the disk when it returns.
    full: SqlitePool,
    /// Entries inside a write pause: safe against the death of the process, not of the machine. See [`Durability`].
    quick: SqlitePool,
    path: std::path::PathBuf,
}

impl Store {
    /// Where the file is.
    pub fn path(&self) -> &std::path::Path {
        &self.path
    }

    /// An error of the store's own database, with what was being done; names the file, for that is whose disk is full.
    fn failed(&self, doing: &str, e: sqlx::Error) -> Error {
        failed(&format!("{doing} in {}", self.path.display()), e)
    }

    /// A document that does not fit its type: written by another version, or by hand.
    fn unreadable(&self, doing: &str, e: serde_json::Error) -> Error {
        // What it would have expected instead is for programmers.
        let text = e.to_string();
        let why = text.split(", expected ").next().unwrap_or_default();
        let doing = format!("{doing} in {}", self.path.display());
        Error::new(Kind::StoreDamaged, doing, format!("a document of it cannot be read ({why})")).caused_by(e)
    }
}

/// An error of the store's own database, with what was being done.
fn failed(doing: &str, e: sqlx::Error) -> Error {
    let (kind, why) = match e.as_database_error().and_then(|db| db.code()?.parse().ok()) {
        Some(code) => meaning(code).unwrap_or_else(|| (Kind::Store, e.to_string())),
        None => (Kind::Store, e.to_string()),
    };
    Error::new(kind, doing, why).caused_by(e)
}

/// What one of SQLite's result codes means here; the primary code is its lowest byte.
fn meaning(code: i64) -> Option<(Kind, String)> {
    let store = |why: &str| Some((Kind::Store, why.to_owned()));
    match (code & 0xff, code) {
        // SQLITE_FULL
        (13, _) => store("the disk is full, so nothing can be journaled"),
        // SQLITE_IOERR_SHMSIZE: the working file beside the store finds no room.
        (10, 4874) => store("there is no room for its working files: the disk is full"),
        // SQLITE_IOERR_WRITE, _FSYNC, _DIR_FSYNC, _TRUNCATE
        (10, 778 | 1034 | 1290 | 1546) => store(
            "the disk does not take what is written, so nothing can be journaled: it fails, or a quota or a limit on file \
             sizes is reached",
        ),
        (10, _) => Some((Kind::Store, format!("the disk does not answer as it should (SQLite's code {code})"))),
        // SQLITE_READONLY
        (8, _) => store("the store's file, or the file system that it is on, is read-only"),
        // SQLITE_CANTOPEN
        (14, _) => store("the file cannot be opened or made"),
        // SQLITE_CORRUPT, SQLITE_NOTADB
        (11 | 26, _) => Some((Kind::StoreDamaged, "the store's file is damaged".to_owned())),
        // SQLITE_BUSY
        (5, _) => store("another process keeps the store's file locked"),
        _ => None,
    }
}
