//! Traces to standard error. What may be in them is the API's to decide; secrets never are.

use tracing_subscriber::EnvFilter;

/// Chooses what is traced, in `tracing-subscriber`'s notation: `debug`, or `switchyard_engine=debug,warn`.
const VARIABLE: &str = "SWITCHYARD_LOG";

/// Starts tracing; warnings and errors when nothing else was asked for.
pub fn start() {
    let filter = EnvFilter::try_from_env(VARIABLE).unwrap_or_else(|_| EnvFilter::new("warn"));
    // A second call finds tracing started, which is what it wants.
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).try_init();
}
