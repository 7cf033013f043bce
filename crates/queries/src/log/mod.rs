//! A PostgreSQL server's log, in any of its three forms, in constant memory.
//!
//! Owns what an entry is and how it is found again after something was torn. Opens no file: whoever does hands the bytes
//! in. It must never fail over what a log holds: what cannot be read is counted, and [`Notes`] says so in sentences.

mod csv;
mod follow;
mod json;
mod notes;
mod prefix;
mod reader;
mod said;
mod stderr;
mod time;

use std::{borrow::Cow, io::Read};

use flate2::read::MultiGzDecoder;

pub use follow::{Following, Span};
pub use notes::Notes;
pub use prefix::Prefix;
pub use reader::LogReader;
pub use time::At;

/// The form of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Format {
    /// `log_destination = csvlog`.
    Csv,
    /// `log_destination = jsonlog`.
    Json,
    /// `log_destination = stderr`, with what stands before every line.
    Stderr(Prefix),
}

impl Format {
    /// By the name of a server's file: each form has one of its own behind the dot. `prefix` is for plain lines.
    pub fn of_file(name: &str, prefix: &Prefix) -> Format {
        match name.rsplit_once('.') {
            Some((_, "csv")) => Format::Csv,
            Some((_, "json")) => Format::Json,
            Some(_) | None => Format::Stderr(prefix.clone()),
        }
    }

    /// By how a log begins; `prefix` is the server's `log_line_prefix`, for a log of plain lines.
    pub fn detect(head: &[u8], prefix: &Prefix) -> Format {
        let line = head.split(|b| *b == b'\n').find(|l| !l.is_empty()).unwrap_or_default();
        if line.starts_with(b"{\"") {
            Format::Json
        } else if head.split(|b| *b == b'\n').any(csv::is_head) {
            Format::Csv
        } else {
            Format::Stderr(prefix.clone())
        }
    }
}

/// How bad an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Severity {
    /// `DEBUG` of any level.
    Debug,
    /// `INFO`.
    Info,
    /// `NOTICE`.
    Notice,
    /// `WARNING`.
    Warning,
    /// `LOG`.
    Log,
    /// `ERROR`: the statement failed.
    Error,
    /// `FATAL`: the session ended.
    Fatal,
    /// `PANIC`: all sessions ended.
    Panic,
    /// A word in another language.
    Other,
}

impl Severity {
    /// By the word that the server writes without a translation.
    pub fn of(word: &str) -> Severity {
        match word {
            "INFO" => Severity::Info,
            "NOTICE" => Severity::Notice,
            "WARNING" => Severity::Warning,
            "LOG" => Severity::Log,
            "ERROR" => Severity::Error,
            "FATAL" => Severity::Fatal,
            "PANIC" => Severity::Panic,
            debug if debug.starts_with("DEBUG") => Severity::Debug,
            _ => Severity::Other,
        }
    }
}

/// One entry. Texts that were not UTF-8 have replacement characters where they were not.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry<'a> {
    /// When; None where the log does not say.
    pub at: Option<At>,
    /// Role; empty for the server's own processes.
    pub user: Cow<'a, str>,
    /// Database; empty for the server's own processes.
    pub database: Cow<'a, str>,
    /// `application_name`.
    pub application: Cow<'a, str>,
    /// Client address with its port, or `[local]`.
    pub client: Cow<'a, str>,
    /// Process; None where the log does not say.
    pub pid: Option<i32>,
    /// Session id; empty where the log does not say.
    pub session: Cow<'a, str>,
    /// How bad.
    pub severity: Severity,
    /// Five characters; None where the log does not say.
    pub sqlstate: Option<Cow<'a, str>>,
    /// The message.
    pub message: Cow<'a, str>,
    /// Its details; empty for none. Holds the parameters of a statement that was logged with its duration.
    pub detail: Cow<'a, str>,
    /// Where it happened; empty for none. Holds the parameters of a statement that failed.
    pub context: Cow<'a, str>,
    /// The statement that failed, where the log has it; see [`Entry::statement`].
    pub query: Cow<'a, str>,
}

impl Entry<'_> {
    /// Whether a statement or a session failed. The state decides where it is known, since words are translated.
    pub fn is_error(&self) -> bool {
        match self.sqlstate.as_deref() {
            Some(state) => !["00", "01", "02"].iter().any(|class| state.starts_with(class)),
            None => matches!(self.severity, Severity::Error | Severity::Fatal | Severity::Panic),
        }
    }

    /// Whether it is of this database, where one is named, and not older than `since` (Unix ms). One that names no database, or no
    /// time, is not left out.
    pub fn is_of(&self, database: Option<&str>, since: Option<i64>) -> bool {
        let elsewhere = database.is_some_and(|d| !self.database.is_empty() && d != self.database);
        let before = matches!((since, self.at), (Some(since), Some(at)) if at.unix_ms < since);
        !elsewhere && !before
    }

    /// The statement that failed or took its time.
    pub fn statement(&self) -> Option<&str> {
        if self.query.is_empty() { said::statement(&self.message) } else { Some(&self.query) }
    }

    /// How long the statement took, ms.
    pub fn duration_ms(&self) -> Option<f64> {
        said::duration_ms(&self.message)
    }

    /// Values of the statement's parameters: empty where it has none, None where they are not all known.
    pub fn parameters(&self) -> Option<Vec<Option<String>>> {
        match said::parameters(&self.detail).or_else(|| said::parameters(&self.context)) {
            Some(list) => crate::parameters::values(list),
            None => Some(Vec::new()),
        }
    }
}

/// What a log's bytes are when it was compressed with gzip; else they are as they come.
///
/// # Errors
/// When the first two bytes cannot be read.
pub fn plain<'a>(mut source: impl Read + Send + 'a) -> std::io::Result<Box<dyn Read + Send + 'a>> {
    let mut head = Vec::with_capacity(2);
    source.by_ref().take(2).read_to_end(&mut head)?;
    let is_gzip = head == [0x1f, 0x8b];
    let whole = std::io::Cursor::new(head).chain(source);
    Ok(if is_gzip { Box::new(MultiGzDecoder::new(whole)) } else { Box::new(whole) })
}
