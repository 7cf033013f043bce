//! What is printed, and the exit codes.

use std::{fmt, io::Write, process::ExitCode};

use serde::Serialize;
use switchyard_api::dto::ApiError;

/// A line on stdout. The standard library's own ends the program when it cannot write: a full disk under a log file, or a
/// reader that has gone, must not end a process that holds clients.
macro_rules! say {
    ($($arg:tt)*) => { $crate::output::line(std::io::stdout(), format_args!($($arg)*)) };
}

/// A line on stderr; see `say`.
macro_rules! tell {
    ($($arg:tt)*) => { $crate::output::line(std::io::stderr(), format_args!($($arg)*)) };
}

/// What both write; nobody is left to be told when it does not arrive.
pub fn line(mut to: impl Write, text: fmt::Arguments<'_>) {
    let _ = writeln!(to, "{text}");
    let _ = to.flush();
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// 0: yes, equal, done.
    Yes,
    /// 1: findings, closed, refused, taken back.
    No,
    /// 2: could not look or act.
    Unable,
}

impl From<Answer> for ExitCode {
    fn from(answer: Answer) -> ExitCode {
        ExitCode::from(match answer {
            Answer::Yes => 0,
            Answer::No => 1,
            Answer::Unable => 2,
        })
    }
}

/// One JSON object on stdout, written as it comes: it may be larger than memory should be.
pub fn json<T: Serialize>(value: &T) {
    let mut to = std::io::BufWriter::new(std::io::stdout());
    let written = serde_json::to_writer(&mut to, value);
    let _ = writeln!(to).and_then(|()| to.flush());
    match written {
        // Nobody is left to be told when it does not arrive.
        Err(e) if !e.is_io() => tell!("switchyardctl: the answer cannot be written as JSON: {e}"),
        Ok(()) | Err(_) => {}
    }
}

/// An error: JSON on stdout where asked for, the sentences on stderr always.
pub fn error(e: &ApiError, as_json: bool) {
    if as_json {
        json(&serde_json::json!({ "error": e }));
    }
    tell!("switchyardctl: {}\n  {}", e.message, e.remedy);
}
