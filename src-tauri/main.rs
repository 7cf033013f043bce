//! The desktop app's entry: the watchdog of a hold, or the window.

use std::process::ExitCode;

fn main() -> ExitCode {
    // Before anything of a window exists: the watchdog has to work where there is no screen, and outlive ours.
    if switchyard_api::guard::is_guard(std::env::args()) {
        return switchyard_desktop::watch_hold();
    }
    switchyard_desktop::run()
}
