//! A capture on its way into its file: for its owner alone, since it holds the application's data, and under its name when it is whole.

use std::{
    io,
    path::{Path, PathBuf},
};

use switchyard_capture::{
    Captured, Head,
    file::Writer,
    order::{Order, Sorter},
};
use switchyard_engine::error::words;
use tempfile::NamedTempFile;

use super::CaptureMade;
use crate::dto::ApiError;

/// Takes statements as they come, and writes them in the order of their starts.
pub(super) struct Gathered {
    to: PathBuf,
    draft: NamedTempFile,
    sorter: Sorter,
    head: Head,
    statements: u64,
    answers: u64,
    broken: Option<io::Error>,
}

impl Gathered {
    /// Of what is taken from a source, as its head says.
    ///
    /// # Errors
    /// The file is there already, or its folder cannot be written to.
    pub(super) fn into(to: &Path, head: Head) -> Result<Gathered, ApiError> {
        let to = std::path::absolute(to).map_err(|e| unwritten(to, &e))?;
        if to.symlink_metadata().is_ok() {
            return Err(there_already(&to));
        }
        let folder = to.parent().filter(|_| to.file_name().is_some()).map(Path::to_owned);
        let folder = folder.ok_or_else(|| unwritten(&to, &io::ErrorKind::InvalidFilename.into()))?;
        let draft = tempfile::Builder::new().prefix(".switchyard-capture-").tempfile_in(&folder);
        let draft = draft.map_err(|e| unwritten(&to, &e))?;
        let sorter = Sorter::new(Order::Started, &folder);
        Ok(Gathered { to, draft, sorter, head, statements: 0, answers: 0, broken: None })
    }

    /// Takes one; what cannot be kept is told at the end.
    pub(super) fn put(&mut self, one: Captured) {
        if self.broken.is_some() {
            return;
        }
        if one.answer.is_some() {
            self.answers += 1;
            self.broken = self.sorter.put(one).err();
            return;
        }
        self.statements += 1;
        let (from, to) = (one.at_us, one.end_us());
        self.head.from_us = Some(self.head.from_us.map_or(from, |f| f.min(from)));
        self.head.to_us = Some(self.head.to_us.map_or(to, |t| t.max(to)));
        self.broken = self.sorter.put(one).err();
    }

    /// On the disk, and then under its name.
    ///
    /// # Errors
    /// When it cannot be written; nothing is left behind then.
    pub(super) fn keep(self, notes: Vec<String>) -> Result<CaptureMade, ApiError> {
        let Gathered { to, draft, sorter, mut head, statements, answers, broken } = self;
        let failed = |e: io::Error| unwritten(&to, &e);
        if let Some(e) = broken {
            return Err(failed(e));
        }
        (head.notes, head.ordered, head.statements) = (notes, true, Some(statements));
        let write = || -> io::Result<u64> {
            let mut writer = Writer::begin(draft.reopen()?, &head)?;
            for one in sorter.sorted()? {
                writer.put(&one?)?;
            }
            let file = writer.end()?;
            file.sync_all()?;
            Ok(file.metadata()?.len())
        };
        let bytes = write().map_err(failed)?;
        match draft.persist_noclobber(&to) {
            Ok(_) => {}
            Err(e) if e.error.kind() == io::ErrorKind::AlreadyExists => return Err(there_already(&to)),
            Err(e) => return Err(unwritten(&to, &e.error)),
        }
        let seconds = head.to_us.zip(head.from_us).map_or(0.0, |(to, from)| to.saturating_sub(from) as f64 / 1e6);
        let file = to.display().to_string();
        let answers = head.answers.map(|_| answers);
        Ok(CaptureMade { file, bytes, source: head.source, statements, answers, seconds, notes: head.notes })
    }
}

fn there_already(file: &Path) -> ApiError {
    let why = format!("{} is there already and stays as it is.", file.display());
    ApiError::new("invalid", why, "Give another name with --to.")
}

pub(super) fn unwritten(file: &Path, e: &io::Error) -> ApiError {
    let why = format!("The capture {} cannot be written: {}.", file.display(), words(e));
    ApiError::new("failed", why, "Give a file in a folder that you may write to, on a disk with room.")
}
