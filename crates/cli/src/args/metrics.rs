//! The arguments of `metrics`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// What is done with the application's own metrics.
#[derive(Debug, Subcommand)]
pub enum MetricsCmd {
    /// Sets a metric up, or replaces it: from then on the ladder waits for it.
    ///
    /// The query has to give one number. The token or password comes from SWITCHYARD_METRIC_SECRET, a prompt, or the input, and
    /// goes to the keyring.
    Add(MetricArgs),
    /// Reads a metric as it is given, and keeps nothing: 0 within its limit, 1 beyond, 2 not known.
    Try(MetricArgs),
    /// The metrics of a migration as whoever drives read them last; nothing is asked.
    List {
        /// The migration.
        migration: String,
    },
    /// Reads metrics now, with value, limit, verdict and age: 0 all within, 1 one beyond, 2 one not known.
    Show {
        /// The migration.
        migration: String,
        /// Only this one.
        name: Option<String>,
    },
    /// Takes a metric away, and its secret with it. What it kept shut may open; the journal says who did it.
    Remove {
        /// The migration.
        migration: String,
        /// Its name.
        name: String,
    },
}

/// One metric.
#[derive(Debug, Args)]
#[command(group(clap::ArgGroup::new("bound").required(true).args(["above", "below"])))]
pub struct MetricArgs {
    /// The migration.
    pub migration: String,
    /// The metric's name, as “checkout p95”.
    pub name: String,
    /// Where the metrics server answers, as https://prometheus:9090.
    #[arg(long)]
    pub url: String,
    /// What is asked, in PromQL.
    #[arg(long, value_name = "PROMQL")]
    pub query: String,
    /// It is wrong above this.
    #[arg(long, value_name = "LIMIT", allow_negative_numbers = true)]
    pub above: Option<f64>,
    /// It is wrong below this.
    #[arg(long, value_name = "LIMIT", allow_negative_numbers = true)]
    pub below: Option<f64>,
    /// How long it has to be within its limit before a step opens.
    #[arg(long = "for", value_name = "SECONDS", default_value_t = 60)]
    pub span: u32,
    /// What is written behind the figure: ms, %, /s.
    #[arg(long, default_value = "")]
    pub unit: String,
    /// Logs in with a bearer token.
    #[arg(long, conflicts_with_all = ["user", "secret_file"])]
    pub token: bool,
    /// Logs in with this user and a password.
    #[arg(long)]
    pub user: Option<String>,
    /// A file of yours that holds the token, or the user's password, and is read each time; instead of the keyring.
    #[arg(long = "token-file", value_name = "FILE")]
    pub secret_file: Option<PathBuf>,
    /// The CA that signed the server's certificate, a PEM file; instead of those of the system.
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
}
