//! `switchyardctl`: the same API as the window, for terminals and scripts.
//!
//! Answers 0 for yes/equal/done, 1 for findings/closed/refused, 2 for "could not look or act". `--json` prints one object
//! on stdout; progress goes to stderr. Passwords are never arguments: they come from the keyring, from
//! `SWITCHYARD_PASSWORD`, or from a prompt without echo.

#[macro_use]
mod output;

mod args;
mod commands;
mod password;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(e) => {
            tell!("switchyardctl: the runtime cannot be started: {e}");
            return ExitCode::from(2);
        }
    };
    if switchyard_api::guard::is_guard(std::env::args()) {
        let code = runtime.block_on(switchyard_api::guard::run());
        // It still waits for a word on its input, which comes when the process that it watched ends.
        runtime.shutdown_background();
        return code;
    }
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        // A line that cannot be written is told nobody, rather than ending the program over it.
        .log_internal_errors(false)
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "error,sqlx=off".into()),
        )
        .init();
    let args = args::Args::parse();
    let json = args.json;
    match runtime.block_on(commands::run(args)) {
        Ok(answer) => answer.into(),
        Err(e) => {
            output::error(&e, json);
            ExitCode::from(if e.code == "refused" { 1 } else { 2 })
        }
    }
}
