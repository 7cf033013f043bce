//! The file of a capture that is being taken, `….part`, and how whoever takes it is asked to end.
//!
//! Who takes a capture has its part locked; the system lets go of the lock when that process ends, however it does. So whoever asks
//! for the end waits for the lock, and then knows whether the capture was made whole or has to be.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use switchyard_capture::{Head, file::Reader};

use super::{
    CaptureMade, blocking,
    kept::{Gathered, unwritten},
};
use crate::dto::ApiError;

/// For whoever takes it to read the rest of the log and put everything in order.
const PATIENCE: Duration = Duration::from_secs(120);
const EVERY: Duration = Duration::from_millis(50);

/// Where a capture is taken, and the sign that it is to end.
#[derive(Debug, Clone)]
pub(super) struct Part {
    to: PathBuf,
    pub(super) file: PathBuf,
    sign: PathBuf,
}

impl Part {
    /// Of the capture that will be `to`.
    pub(super) fn of(to: &Path) -> Part {
        let beside = |ending: &str| {
            let mut name = to.as_os_str().to_owned();
            name.push(ending);
            PathBuf::from(name)
        };
        Part { to: to.to_owned(), file: beside(".part"), sign: beside(".stop") }
    }

    /// A new file that only its owner may read, locked for as long as it is open.
    ///
    /// # Errors
    /// When somebody takes it already, or did until he was killed; when it cannot be written.
    pub(super) fn begin(&self) -> Result<File, ApiError> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&self.file).map_err(|e| match e.kind() {
            io::ErrorKind::AlreadyExists => {
                let why =
                    format!("{} is there: somebody captures into it, or was killed over it.", self.file.display());
                ApiError::new("invalid", why, "Give another name with --to, or end that one with “capture stop”.")
            }
            _ => unwritten(&self.file, &e),
        })?;
        file.lock().map_err(|e| unwritten(&self.file, &e))?;
        // Of somebody who asked an earlier one.
        let _ = std::fs::remove_file(&self.sign);
        Ok(file)
    }

    /// Whether somebody asked for its end.
    pub(super) fn is_to_end(&self) -> bool {
        self.sign.exists()
    }

    /// Puts what was taken in order and under its name; the part goes.
    pub(super) fn made_whole(&self, source: Option<&str>, mut notes: Vec<String>) -> Result<CaptureMade, ApiError> {
        let failed = |e: io::Error| unwritten(&self.file, &e);
        let unread = |why: String| ApiError::new("failed", why, "See the file that ends with .part.");
        let mut reader = Reader::open(File::open(&self.file).map_err(failed)?).map_err(unread)?;
        let source = source.map_or_else(|| reader.head().source.clone(), str::to_owned);
        let mut gathered = Gathered::into(&self.to, Head::of(&source).with(reader.head().answers))?;
        reader.by_ref().for_each(|one| gathered.put(one));
        notes.extend(reader.notes());
        let made = gathered.keep(notes)?;
        std::fs::remove_file(&self.file).map_err(failed)?;
        let _ = std::fs::remove_file(&self.sign);
        Ok(made)
    }

    fn is_free(&self, part: &File) -> Result<(), ApiError> {
        let began = Instant::now();
        loop {
            match part.try_lock() {
                Ok(()) => return Ok(()),
                Err(TryLockError::WouldBlock) if began.elapsed() < PATIENCE => std::thread::sleep(EVERY),
                Err(TryLockError::WouldBlock) => {
                    let why = format!("Whoever captures into {} does not end.", self.to.display());
                    return Err(ApiError::new("failed", why, "End that process; then ask for the end once more."));
                }
                Err(TryLockError::Error(e)) => return Err(unwritten(&self.file, &e)),
            }
        }
    }
}

/// What stands where a capture is being taken, or was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PartStands {
    /// Somebody takes it.
    BeingTaken,
    /// Whoever took it is gone.
    BrokenOff {
        /// Size of what there is.
        bytes: u64,
    },
}

/// How the part of the capture that will be `to` stands; None where there is none.
pub(crate) fn part_stands(to: &Path) -> Option<PartStands> {
    let file = File::open(Part::of(to).file).ok()?;
    // The lock goes with the file, at once.
    match file.try_lock_shared() {
        Ok(()) => Some(PartStands::BrokenOff { bytes: file.metadata().map_or(0, |m| m.len()) }),
        Err(_) => Some(PartStands::BeingTaken),
    }
}

/// Ends a capture that another process takes, or took until it was killed; answers what there is of it then.
///
/// # Errors
/// When nobody captures into this file, or whoever does goes on.
pub async fn stop(to: PathBuf) -> Result<CaptureMade, ApiError> {
    blocking(move || {
        let part = Part::of(&to);
        let shown = to.display();
        let nobody = |_| {
            let why = match to.exists() {
                true => format!("{shown} is whole already; nobody captures into it."),
                false => format!("Nobody captures into {shown}: there is no {}.", part.file.display()),
            };
            ApiError::new("not_found", why, "Give the file that “capture start” was given with --to.")
        };
        let file = OpenOptions::new().write(true).open(&part.file).map_err(nobody)?;
        File::create(&part.sign).map_err(|e| unwritten(&part.sign, &e))?;
        let free = part.is_free(&file);
        if free.is_err() || to.exists() {
            let _ = std::fs::remove_file(&part.sign);
        }
        free?;
        if to.exists() {
            return read_back(&to);
        }
        part.made_whole(None, vec!["Whoever took it was ended before it was whole; the rest is missing.".to_owned()])
    })
    .await
}

fn read_back(to: &Path) -> Result<CaptureMade, ApiError> {
    let (survey, head, notes) = super::survey(to)?;
    Ok(CaptureMade {
        file: to.display().to_string(),
        bytes: std::fs::metadata(to).map_or(0, |m| m.len()),
        source: head.source,
        statements: survey.statements,
        answers: head.answers.map(|_| survey.answers),
        seconds: if survey.statements > 0 { survey.seconds() } else { 0.0 },
        notes,
    })
}
