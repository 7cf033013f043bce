//! What is printed, and the exit codes.

use std::process::ExitCode;

use serde::Serialize;
use switchyard_api::dto::ApiError;

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

/// One JSON object on stdout.
pub fn json<T: Serialize>(value: &T) {
    match serde_json::to_string(value) {
        Ok(text) => println!("{text}"),
        Err(e) => eprintln!("switchyardctl: the answer cannot be written as JSON: {e}"),
    }
}

/// An error: JSON on stdout where asked for, the sentences on stderr always.
pub fn error(e: &ApiError, as_json: bool) {
    if as_json {
        json(&serde_json::json!({ "error": e }));
    }
    eprintln!("switchyardctl: {}\n  {}", e.message, e.remedy);
}
