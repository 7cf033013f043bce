//! `drill`: its subcommands and what is rehearsed.

use clap::Subcommand;

/// `drill …`
#[derive(Debug, Subcommand)]
pub enum DrillCmd {
    /// Rehearses a failure now, to its end: 0 passed, 1 failed or refused, 2 could not look.
    Run {
        /// The migration.
        migration: String,
        #[command(flatten)]
        drill: DrillArgs,
    },
    /// What was rehearsed, newest first.
    List {
        /// The migration.
        migration: String,
    },
    /// One page for the file of the migration, as Markdown.
    Report {
        /// The migration.
        migration: String,
    },
    /// Rehearses by itself, again and again, while something drives the migration.
    Schedule {
        /// The migration.
        migration: String,
        /// How often: 12h, 7d.
        #[arg(long, value_name = "SPAN", required_unless_present = "off")]
        every: Option<String>,
        /// No more.
        #[arg(long, conflicts_with = "every")]
        off: bool,
        #[command(flatten)]
        drill: DrillArgs,
    },
}

/// What is rehearsed.
#[derive(Debug, clap::Args)]
pub struct DrillArgs {
    /// target-down, slow-target, target-errors, replication-stopped, finding, router-unreachable or operator-killed.
    #[arg(long, value_name = "KIND", default_value = "target-down")]
    pub failure: String,
    /// Percent of reads that move before the failure [default: the ladder's rung of at most 10 %, or its first].
    #[arg(long, value_name = "PERCENT", conflicts_with = "writes")]
    pub reads: Option<u8>,
    /// Switch writes instead: the ladder has to be at its top, and everything returns to the source.
    #[arg(long)]
    pub writes: bool,
    /// A database role that the poolers let in [default: the last drill's]. Its password comes from the environment
    /// (SWITCHYARD_CANARY_PASSWORD), the keyring or ~/.pgpass.
    #[arg(long, value_name = "ROLE")]
    pub canary: Option<String>,
    /// How long the whole may take, seconds [default: 5; 10 for router-unreachable, 15 for operator-killed, 30 for finding].
    #[arg(long, value_name = "SECONDS")]
    pub within: Option<f64>,
}
