//! `load`: its subcommand.

use clap::Subcommand;

/// `load …`
#[derive(Debug, Subcommand)]
pub enum LoadCmd {
    /// Runs scripts at a rate that does not wait for answers: 0 served, 1 not served or stopped at a limit, 2 could not run.
    ///
    /// Latency counts from the moment at which a transaction should have begun, so that a server that stands still makes everybody
    /// late who comes meanwhile. Scripts are pgbench's: statements, \set and \sleep. A database that has a migration's writes
    /// is refused; on its other side only reads are let through. The password comes from the environment
    /// (SWITCHYARD_LOAD_PASSWORD), the URL, the keyring or ~/.pgpass.
    Run(LoadArgs),
}

/// `load run …`
#[derive(Debug, clap::Args)]
pub struct LoadArgs {
    /// A postgres:// URL, or the name of an endpoint.
    #[arg(long, value_name = "URL|ENDPOINT")]
    pub at: String,
    /// A script; again for more. FILE@9 is drawn nine times as often as FILE@1.
    #[arg(
        long = "script",
        value_name = "FILE[@WEIGHT]",
        required_unless_present = "capture",
        conflicts_with = "capture"
    )]
    pub scripts: Vec<String>,
    /// A capture, in place of scripts: its transactions with their own values, drawn as often as they came.
    #[arg(long, value_name = "FILE")]
    pub capture: Option<std::path::PathBuf>,
    /// Transactions that begin each second; of a capture its own rate where this is not given.
    #[arg(long, value_name = "PER_SECOND", required_unless_present_any = ["ramp", "capture"], conflicts_with = "ramp")]
    pub rate: Option<f64>,
    /// So many times the capture's own rate.
    #[arg(long, value_name = "N", requires = "capture", conflicts_with_all = ["rate", "ramp"])]
    pub times: Option<f64>,
    /// Climbs from one rate to another until one is not served: 100..2000.
    #[arg(long, value_name = "FROM..TO")]
    pub ramp: Option<String>,
    /// How many rates the ramp has.
    #[arg(long, value_name = "N", default_value_t = 8)]
    pub steps: u32,
    /// How long the rate, or each rate of the ramp, is held.
    #[arg(long, value_name = "SECONDS", default_value_t = 10.0)]
    pub seconds: f64,
    /// Transactions that may run at once; 10, or as many as in the capture where this is not given.
    #[arg(long, value_name = "N")]
    pub sessions: Option<usize>,
    /// Stops when P99 is above this for two seconds.
    #[arg(long, value_name = "MS")]
    pub max_p99: Option<f64>,
    /// Stops when more than this fails for two seconds.
    #[arg(long, value_name = "PERCENT", default_value_t = 1.0)]
    pub max_failed: f64,
    /// A variable of the scripts; again for more: --define scale=10.
    #[arg(long = "define", value_name = "NAME=NUMBER")]
    pub defines: Vec<String>,
    /// Draws the same again.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}
