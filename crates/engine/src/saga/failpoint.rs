//! Points at which a test can end this process, as if the power had gone: `SWITCHYARD_CRASH=before:fence` or
//! `after:fence`, by the step's name in the journal. Debug builds alone have them.

/// Ends the process when this point was asked for.
#[cfg(debug_assertions)]
pub(super) fn hit(when: &str, step: &str) {
    use std::sync::OnceLock;
    static WANTED: OnceLock<Option<String>> = OnceLock::new();
    let wanted = WANTED.get_or_init(|| std::env::var("SWITCHYARD_CRASH").ok());
    if wanted.as_deref().and_then(|w| w.split_once(':')) == Some((when, step)) {
        eprintln!("crashing {when} {step}, as asked for");
        std::process::abort();
    }
}

/// Nothing in what is shipped.
#[cfg(not(debug_assertions))]
pub(super) fn hit(_: &str, _: &str) {}
