//! Points at which a test can end this process, as if the power had gone, or stop its clock once, as if the laptop slept:
//! `SWITCHYARD_CRASH=before:fence` or `SWITCHYARD_FREEZE=after:fence`, by the step's name in the journal; `within` for a step
//! that acts twice. Debug builds alone have them.

/// What the environment asks for at a point of this process.
pub const VARIABLES: [&str; 2] = ["SWITCHYARD_CRASH", "SWITCHYARD_FREEZE"];

/// Ends or stops the process when this point was asked for.
#[cfg(debug_assertions)]
pub(crate) fn hit(when: &str, step: &str) {
    use std::sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering},
    };
    // A step that is tried again after it was let go on does not stop there once more.
    static FROZEN: AtomicBool = AtomicBool::new(false);
    static WANTED: OnceLock<[Option<String>; 2]> = OnceLock::new();
    let [crash, freeze] = WANTED.get_or_init(|| VARIABLES.map(|name| std::env::var(name).ok()));
    let is_here = |wanted: &Option<String>| wanted.as_deref().and_then(|w| w.split_once(':')) == Some((when, step));
    if is_here(crash) {
        eprintln!("crashing {when} {step}, as asked for");
        std::process::abort();
    }
    if is_here(freeze) && !FROZEN.swap(true, Ordering::Relaxed) {
        eprintln!("freezing {when} {step}, as asked for");
        let _ = std::process::Command::new("kill").args(["-STOP", &std::process::id().to_string()]).status();
        // The signal is another thread's to take, and this one would go on until then. Once somebody lets the process go
        // on, this time has long passed.
        std::thread::sleep(std::time::Duration::from_millis(300));
    }
}

/// Nothing in what is shipped.
#[cfg(not(debug_assertions))]
pub(crate) fn hit(_: &str, _: &str) {}
