//! The one error type of the rig: what was being done, and what went wrong.

use std::path::{Path, PathBuf};
use std::time::Duration;

/// What the rig's functions return.
pub type Result<T, E = RigError> = std::result::Result<T, E>;

/// Why a server could not be started, reached or stopped.
#[derive(Debug, thiserror::Error)]
pub enum RigError {
    /// A file or a process refused.
    #[error("{doing}: {source}")]
    Io {
        /// What was being done.
        doing: String,
        /// What the system answered.
        source: std::io::Error,
    },
    /// A database refused.
    #[error("{doing}: {source}")]
    Sql {
        /// What was being done.
        doing: String,
        /// What the database answered.
        source: sqlx::Error,
    },
    /// A program ended with an error.
    #[error("{program} failed: {output}")]
    Program {
        /// The program's name.
        program: String,
        /// The end of what it printed.
        output: String,
    },
    /// A server did not become ready, or did not stop, in time.
    #[error("{what} was not there after {after:?}; its log ends: {log}")]
    Late {
        /// What was waited for.
        what: String,
        /// How long.
        after: Duration,
        /// The end of the server's log.
        log: String,
    },
    /// Something has to be installed first.
    #[error("{what} is missing; {remedy}")]
    Missing {
        /// What is missing.
        what: String,
        /// How to get it.
        remedy: String,
    },
    /// A folder cannot hold a rig.
    #[error("{path}: {why}")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why not.
        why: String,
    },
}

impl RigError {
    /// Wraps an I/O error with what was being done; for `map_err`.
    pub(crate) fn io(doing: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Io { doing, source }
    }

    /// Wraps a database error with what was being done; for `map_err`.
    pub(crate) fn sql(doing: impl Into<String>) -> impl FnOnce(sqlx::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Sql { doing, source }
    }

    /// A server that was waited for in vain, with the last lines of its log.
    pub(crate) fn late(what: impl Into<String>, after: Duration, log: &Path) -> Self {
        let text = std::fs::read_to_string(log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().rev().take(8).collect();
        let log = lines.into_iter().rev().collect::<Vec<_>>().join(" | ");
        Self::Late { what: what.into(), after, log }
    }
}
