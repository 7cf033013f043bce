//! The watchdog of a hold: a second process of the same binary that takes over when the first one dies or freezes.
//!
//! It is started before the first `PAUSE` and told when the switch is over. Should it hear nothing in time, it drives the
//! migration from the journal alone: what was before the point of no return is taken back, what is after it is finished.

use std::process::ExitCode;

/// The hidden argument that makes a binary the watchdog.
pub const ARGUMENT: &str = "--hold-guard";

/// Whether the process was started as the watchdog.
pub fn is_guard(mut args: impl Iterator<Item = String>) -> bool {
    args.any(|a| a == ARGUMENT)
}

/// Runs the watchdog.
pub async fn run() -> ExitCode {
    switchyard_engine::watchdog::stand_guard(format!("watchdog of {}", crate::host::operator())).await
}
