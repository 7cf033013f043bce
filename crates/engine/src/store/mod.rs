//! The store: endpoints, migrations, the journal, the lease, tickets, snapshots, samples. One SQLite file in WAL mode.
//!
//! Owns the file and its schema. Knows nothing of databases or routers, and never holds a secret.

mod endpoints;
mod journal;
mod lease;
mod migrations;
mod open;
mod samples;
mod snapshots;
mod tickets;

pub use journal::{Durability, NewEntry};
pub use lease::Lease;
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
}

/// An error of the store's own database, with what was being done.
fn failed(doing: &str, e: sqlx::Error) -> Error {
    let (kind, why) = match &e {
        sqlx::Error::Database(db) if is_code(db.as_ref(), &["13"]) => {
            (Kind::Store, "the disk is full, so nothing more can be journaled".to_owned())
        }
        sqlx::Error::Database(db) if is_code(db.as_ref(), &["8", "1032", "1544"]) => {
            (Kind::Store, "the store's file is read-only".to_owned())
        }
        sqlx::Error::Database(db) if is_code(db.as_ref(), &["11", "26"]) => {
            (Kind::StoreDamaged, "the store's file is damaged".to_owned())
        }
        sqlx::Error::Database(db) if is_code(db.as_ref(), &["5", "261", "517"]) => {
            (Kind::Store, "another process keeps the store's file locked".to_owned())
        }
        other => (Kind::Store, other.to_string()),
    };
    Error::new(kind, doing, why).caused_by(e)
}

/// SQLite's primary or extended result codes.
fn is_code(e: &dyn sqlx::error::DatabaseError, codes: &[&str]) -> bool {
    e.code().is_some_and(|code| {
        let primary = code.parse::<i64>().map(|c| (c & 0xff).to_string()).unwrap_or_default();
        codes.contains(&code.as_ref()) || codes.contains(&primary.as_str())
    })
}

/// A document that does not fit its type: written by another version, or by hand.
fn unreadable(doing: &str, e: serde_json::Error) -> Error {
    Error::new(Kind::StoreDamaged, doing, format!("a document in the store cannot be read ({e})")).caused_by(e)
}
