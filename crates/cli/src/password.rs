//! Passwords: from the environment or a prompt without echo, never from the arguments.

use std::io::{BufRead, IsTerminal, Read, Write};

use switchyard_api::dto::ApiError;

/// The password for `what`: from `variable`, else from a prompt; None without a terminal.
pub fn ask(what: &str, variable: &str) -> Result<Option<String>, ApiError> {
    if let Ok(text) = std::env::var(variable) {
        return Ok(Some(text));
    }
    if !std::io::stdin().is_terminal() {
        return Ok(None);
    }
    eprint!("Password of {what} (empty keeps the known one): ");
    let failed = |e: std::io::Error| {
        ApiError::new(
            "failed",
            format!("The password cannot be read: {}.", switchyard_api::io_words(&e)),
            "Set it in the environment.",
        )
    };
    std::io::stderr().flush().map_err(failed)?;
    let quiet = Echo::off();
    let mut line = String::new();
    let read = std::io::stdin().lock().read_line(&mut line);
    drop(quiet);
    tell!("");
    read.map_err(failed)?;
    let text = line.trim_end_matches(['\r', '\n']).to_owned();
    Ok(if text.is_empty() { None } else { Some(text) })
}

/// A secret that has to be there: from `variable`, from a prompt, or, without a terminal, from the input.
pub fn secret(what: &str, variable: &str) -> Result<String, ApiError> {
    let typed = ask(what, variable)?;
    if let Some(text) = typed.or_else(piped).filter(|text| !text.is_empty()) {
        return Ok(text);
    }
    let message = format!("The token or password of {what} is missing.");
    Err(ApiError::new("invalid", message, format!("Type it, pipe it in, or set {variable}.")))
}

/// The input up to its end, where it is no terminal; a line's end is no part of it.
fn piped() -> Option<String> {
    if std::io::stdin().is_terminal() {
        return None;
    }
    let text = std::io::read_to_string(std::io::stdin().take(64 * 1024)).ok()?;
    Some(text.trim_end_matches(['\r', '\n']).to_owned())
}

/// Switches the terminal's echo off until dropped, through stty: no raw terminal calls of our own.
struct Echo;

impl Echo {
    fn off() -> Echo {
        stty("-echo");
        Echo
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        stty("echo");
    }
}

fn stty(mode: &str) {
    // Without stty the password is echoed; asking is still better than an argument.
    let _ = std::process::Command::new("stty").arg(mode).status();
}
