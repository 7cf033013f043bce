//! What `make demo` runs: real servers, a workload with a ledger, and a migration between them.
//!
//! With `--headless` the whole journey goes through the same API as the window and ends with one JSON object on stdout;
//! with `--window` the desktop window opens on the migration; with `--bench-switch` the write pause is measured.

mod bench;
mod bench_follow;
mod bench_load;
mod bench_verify;
mod bench_verify_shapes;
mod driver;
mod journey;
mod layout;
mod planted;
mod window;

use std::process::ExitCode;

use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};

/// The demo.
#[derive(Debug, Parser)]
#[command(name = "switchyard-demo")]
struct Args {
    /// The whole journey without a window; the last line of stdout is its figures as JSON.
    #[arg(long)]
    headless: bool,
    /// Opens the window on the migration, with the workload running.
    #[arg(long)]
    window: bool,
    /// Measures the write pause over many switches.
    #[arg(long)]
    bench_switch: bool,
    /// Measures a comparison of two databases beside its floor.
    #[arg(long)]
    bench_verify: bool,
    /// Measures what the next verdict costs after a full pass, with one row in a thousand changed.
    #[arg(long)]
    bench_follow: bool,
    /// Measures the load generator beside pgbench.
    #[arg(long)]
    bench_load: bool,
    /// Rows of --bench-verify and --bench-follow.
    #[arg(long, env = "ROWS", default_value_t = 5_000_000)]
    rows: i64,
    /// With --bench-switch: only the settings whose name holds this.
    #[arg(long)]
    setting: Option<String>,
    /// Share of about 300 000 rows.
    #[arg(long, env = "SCALE", default_value_t = 1.0)]
    scale: f64,
}

/// Any error, with its sentence.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    // The watchdog of a hold is this same binary.
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(e) => {
            eprintln!("switchyard-demo: the runtime cannot be started: {e}");
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
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "warn,sqlx=error".into()),
        )
        .init();
    let args = Args::parse();
    let result = runtime.block_on(async {
        // Left half way, what was chosen drops its rig, which ends the servers and removes their folder.
        tokio::select! {
            result = chosen(&args) => result,
            name = asked_to_end() => Err(format!("ended by {}; its servers are gone", name?).into()),
        }
    });
    match result {
        Ok(code) => code,
        Err(e) => {
            eprintln!("switchyard-demo: {e}");
            ExitCode::from(2)
        }
    }
}

async fn chosen(args: &Args) -> Result<ExitCode, Failure> {
    if args.bench_switch {
        bench::run(args.scale.min(0.2), args.setting.as_deref()).await
    } else if args.bench_verify {
        bench_verify::run(args.rows.max(200_000)).await
    } else if args.bench_follow {
        bench_follow::run(args.rows.max(200_000)).await
    } else if args.bench_load {
        bench_load::run().await
    } else if args.window && !args.headless {
        window::run(args.scale).await
    } else {
        journey::run(args.scale).await
    }
}

/// Waits for Ctrl-C, a closed terminal, or an order to end.
async fn asked_to_end() -> Result<&'static str, Failure> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = interrupt.recv() => Ok("Ctrl-C"),
        _ = hangup.recv() => Ok("the terminal"),
        _ = terminate.recv() => Ok("SIGTERM"),
    }
}
