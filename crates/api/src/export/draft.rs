//! A file on its way: it is for its owner alone, it appears under its name when it is whole, and one that is there already stays
//! unless somebody said that it may go.

use std::{
    io,
    path::{Path, PathBuf},
};

use tempfile::NamedTempFile;
use tokio::io::AsyncWriteExt;

use crate::{dto::ApiError, io_words};

/// What is written, until it is whole.
pub(crate) struct Draft {
    /// What it holds, for sentences: `differences`.
    what: &'static str,
    /// Where it shall be in the end.
    file: PathBuf,
    /// Where it is until then; removed when it is dropped.
    draft: NamedTempFile,
    to: tokio::fs::File,
    replace: bool,
    bytes: u64,
}

impl Draft {
    /// In the same folder, so that it can be renamed; readable for its owner alone, as `tempfile` makes it.
    ///
    /// # Errors
    /// The file is there already and may not go, its name is none, or its folder cannot be written to.
    pub(crate) fn beside(file: &Path, what: &'static str, replace: bool) -> Result<Draft, ApiError> {
        let unwritten = |file: &Path, e: &io::Error| unwritten(what, file, e);
        let file = std::path::absolute(file).map_err(|e| unwritten(file, &e))?;
        if !replace && file.symlink_metadata().is_ok() {
            return Err(there_already(&file));
        }
        let folder = file.parent().filter(|_| file.file_name().is_some()).ok_or_else(|| no_name(&file))?;
        let draft = tempfile::Builder::new()
            .prefix(".switchyard-export-")
            .tempfile_in(folder)
            .map_err(|e| unwritten(&file, &e))?;
        let to = draft.reopen().map(tokio::fs::File::from_std).map_err(|e| unwritten(&file, &e))?;
        Ok(Draft { what, file, draft, to, replace, bytes: 0 })
    }

    /// Adds to it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) async fn put(&mut self, text: &str) -> Result<(), ApiError> {
        self.bytes += text.len() as u64;
        self.to.write_all(text.as_bytes()).await.map_err(|e| unwritten(self.what, &self.file, &e))
    }

    /// On the disk, and then under its name: its full path and its size.
    ///
    /// # Errors
    /// As for [`Draft::beside`]; nothing is left behind then.
    pub(crate) async fn keep(mut self) -> Result<(String, u64), ApiError> {
        let flushed = match self.to.flush().await {
            Ok(()) => self.to.sync_all().await,
            Err(e) => Err(e),
        };
        flushed.map_err(|e| unwritten(self.what, &self.file, &e))?;
        let kept = if self.replace { self.draft.persist(&self.file) } else { self.draft.persist_noclobber(&self.file) };
        match kept {
            Ok(_) => Ok((self.file.display().to_string(), self.bytes)),
            Err(e) if e.error.kind() == io::ErrorKind::AlreadyExists => Err(there_already(&self.file)),
            Err(e) => Err(unwritten(self.what, &self.file, &e.error)),
        }
    }
}

fn there_already(file: &Path) -> ApiError {
    let why = format!("{} is there already and stays as it is.", file.display());
    ApiError::new("refused", why, "Choose another name, or move the file away.")
}

fn no_name(file: &Path) -> ApiError {
    let why = format!("“{}” is no name of a file.", file.display());
    ApiError::new("invalid", why, "Write a path that ends with a file's name, for example differences.csv.")
}

fn unwritten(what: &str, file: &Path, e: &io::Error) -> ApiError {
    let why = format!("The {what} could not be written to {}: {}.", file.display(), io_words(e));
    ApiError::new("failed", why, "Nothing was left there. Choose a folder that exists, may be written to and has room.")
}
