//! Captures for hosts: made from a log, looked at, and read in an order.

mod answers;
mod import;
mod kept;
mod live;
mod part;

use std::{
    fs::File,
    path::{Path, PathBuf},
};

use serde::Serialize;
use switchyard_capture::{
    Captured, Head,
    file::Reader,
    mix::Mixed,
    order::{Order, Sorter},
    survey::Survey,
};
use switchyard_engine::error::words;

use crate::dto::ApiError;

pub use import::{ImportRequest, import};
pub use live::CaptureRequest;
pub use part::stop;
pub(crate) use part::{PartStands, part_stands};

/// A capture that was made.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CaptureMade {
    /// Its full path.
    pub file: String,
    /// Its size.
    pub bytes: u64,
    /// Where it was taken.
    pub source: String,
    /// Statements in it.
    pub statements: u64,
    /// Answers of the source in it; None where none were taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answers: Option<u64>,
    /// From the first start to the last end, s.
    pub seconds: f64,
    /// What is to be known of it.
    pub notes: Vec<String>,
}

/// What is in a capture.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CaptureView {
    /// Its path, as it was given.
    pub file: String,
    /// Where it was taken.
    pub source: String,
    /// Statements in it.
    pub statements: u64,
    /// Answers of the source in it; None where none were taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answers: Option<u64>,
    /// Sessions in it.
    pub sessions: usize,
    /// Sessions that were there at once, at most.
    pub most_at_once: usize,
    /// The first start, Unix µs; None of an empty one.
    pub from_us: Option<i64>,
    /// From the first start to the last end, s.
    pub seconds: f64,
    /// Statements that a replay leaves out, by why.
    pub left_out: std::collections::BTreeMap<String, u64>,
    /// What is to be known of it.
    pub notes: Vec<String>,
}

/// What is in a capture.
///
/// # Errors
/// When it is none, or cannot be read.
pub async fn look(file: PathBuf) -> Result<CaptureView, ApiError> {
    blocking(move || {
        let (survey, head, notes) = survey(&file)?;
        Ok(CaptureView {
            file: file.display().to_string(),
            source: head.source,
            statements: survey.statements,
            answers: head.answers.map(|_| survey.answers),
            sessions: survey.sessions.len(),
            most_at_once: survey.most_at_once,
            from_us: (survey.statements > 0).then_some(survey.from_us),
            seconds: if survey.statements > 0 { survey.seconds() } else { 0.0 },
            left_out: survey.unfit,
            notes,
        })
    })
    .await
}

/// Load as it was captured.
///
/// # Errors
/// When it is no capture, cannot be read, or nothing in it can be run as load.
pub async fn as_load(file: PathBuf, seed: u64) -> Result<Mixed, ApiError> {
    blocking(move || {
        let mut error = None;
        let ordered = Ordered::open(&file, Order::Started)?;
        let mixed = Mixed::of(ordered.map_while(|one| one.map_err(|e| error = Some(e)).ok()), seed);
        match error {
            Some(e) => Err(e),
            None => mixed.map_err(|why| ApiError::new("invalid", why, "Take another capture; see capture show.")),
        }
    })
    .await
}

/// Something that reads files, where it keeps nobody waiting.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ApiError> + Send + 'static,
) -> Result<T, ApiError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|e| ApiError::new("failed", format!("Reading the capture broke off: {e}."), "Try again."))?
}

/// One look through a capture; with its head and what is to be said of it.
pub(crate) fn survey(file: &Path) -> Result<(Survey, Head, Vec<String>), ApiError> {
    let mut reader = open(file)?;
    let survey = Survey::of(reader.by_ref());
    let head = reader.head().clone();
    let notes = head.notes.iter().cloned().chain(reader.notes()).collect();
    Ok((survey, head, notes))
}

/// One that is there.
pub(crate) fn open(file: &Path) -> Result<Reader, ApiError> {
    let shown = file.display();
    let unread = |why: String| ApiError::new("invalid", why, "Give a file that “capture” has made.");
    let opened = File::open(file)
        .and_then(|f| if f.metadata()?.is_dir() { Err(std::io::ErrorKind::IsADirectory.into()) } else { Ok(f) })
        .map_err(|e| unread(format!("The capture {shown} cannot be read: {}.", words(&e))))?;
    Reader::open(opened).map_err(|why| unread(format!("{shown}: {why}")))
}

/// The statements of a capture in an order.
pub(crate) enum Ordered {
    /// As they stand.
    Plain(Box<Reader>),
    /// As they were sorted.
    Sorted(switchyard_capture::order::Sorted),
}

impl Ordered {
    pub(crate) fn open(file: &Path, order: Order) -> Result<Ordered, ApiError> {
        let mut reader = open(file)?;
        if reader.head().ordered && order == Order::Started {
            return Ok(Ordered::Plain(Box::new(reader)));
        }
        let mut sorter = Sorter::new(order, &std::env::temp_dir());
        for one in reader.by_ref() {
            sorter.put(one).map_err(|e| unsorted(&e))?;
        }
        sorter.sorted().map(Ordered::Sorted).map_err(|e| unsorted(&e))
    }
}

impl Iterator for Ordered {
    type Item = Result<Captured, ApiError>;

    fn next(&mut self) -> Option<Result<Captured, ApiError>> {
        match self {
            Ordered::Plain(reader) => reader.next().map(Ok),
            Ordered::Sorted(sorted) => sorted.next().map(|one| one.map_err(|e| unsorted(&e))),
        }
    }
}

fn unsorted(e: &std::io::Error) -> ApiError {
    let why = format!("The capture cannot be put in order: {}.", words(e));
    ApiError::new("failed", why, "See that the folder for temporary files has room.")
}
