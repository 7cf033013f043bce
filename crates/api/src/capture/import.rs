//! A capture from files of a log.

use std::path::PathBuf;

use switchyard_capture::{
    Head,
    take::{Taker, Wanted},
};
use switchyard_queries::log::{Entry, Prefix};

use super::{CaptureMade, blocking, kept::Gathered};
use crate::{
    dto::ApiError,
    queries::logs::{Takes, from_files},
};

/// The server's own default of `log_line_prefix`.
const PREFIX: &str = "%m [%p] ";

/// Asks for a capture from a log.
#[derive(Debug, Clone, Default)]
pub struct ImportRequest {
    /// Files of the log, the oldest first; plain or compressed.
    pub files: Vec<String>,
    /// Where the capture goes; it must not be there yet.
    pub to: PathBuf,
    /// `log_line_prefix`, for a log of plain lines.
    pub prefix: Option<String>,
    /// What is taken of it.
    pub wanted: Wanted,
}

/// Makes a capture from a log.
///
/// # Errors
/// When a file cannot be read, the capture cannot be written, or nothing in the log is a statement.
pub async fn import(request: ImportRequest) -> Result<CaptureMade, ApiError> {
    let prefix = Prefix::new(request.prefix.as_deref().unwrap_or(PREFIX))
        .map_err(|why| ApiError::new("invalid", why, "Give --prefix as the server's configuration has it."))?;
    blocking(move || {
        let gathered = Gathered::into(&request.to, Head::of(&request.files.join(", ")))?;
        let taking = Taking { taker: Taker::new(request.wanted), gathered };
        let (mut taking, read) = from_files(&request.files, &prefix, taking)?;
        taking.finish();
        let seen = taking.taker.seen();
        if seen.statements == 0 {
            let mut why = "The log has no statements.".to_owned();
            for note in &read {
                why = format!("{why} {note}");
            }
            let remedy = "Let the server log them: log_min_duration_statement = 0 (or log_statement = all) and %m [%p] %c in \
                          log_line_prefix; or give the right --prefix, --database, --user.";
            return Err(ApiError::new("failed", why, remedy));
        }
        taking.gathered.keep(seen.notes().into_iter().chain(read).collect())
    })
    .await
}

/// From entries into a file.
pub(super) struct Taking {
    pub(super) taker: Taker,
    pub(super) gathered: Gathered,
}

impl Taking {
    fn finish(&mut self) {
        let Taking { taker, gathered } = self;
        taker.finish(&mut |one| gathered.put(one));
    }
}

impl Takes for Taking {
    fn take(&mut self, entry: &Entry<'_>) {
        let Taking { taker, gathered } = self;
        taker.take(entry, &mut |one| gathered.put(one));
    }
}
