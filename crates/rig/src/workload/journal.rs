//! The workload's own file of acknowledged writes, for a demo whose process may die too.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use crate::error::{Result, RigError};
use crate::ledger::EntryId;

/// An append-only file, `client number` a line.
#[derive(Debug)]
pub(crate) struct Journal(Mutex<File>);

impl Journal {
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path);
        file.map(|file| Self(Mutex::new(file))).map_err(RigError::io(format!("opening {}", path.display())))
    }

    /// Appends one line by one write, so that a crash leaves at most a torn last line.
    pub(crate) fn append(&self, entry: EntryId) -> Result<(), sqlx::Error> {
        let line = format!("{} {}\n", entry.client, entry.number);
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(line.as_bytes()).map_err(sqlx::Error::Io)
    }
}
