//! Passwords: from the environment or a prompt without echo, never from the arguments.

use std::io::{BufRead, IsTerminal, Write};

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
