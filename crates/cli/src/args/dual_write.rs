//! `dual-write`: its subcommands.

use clap::Subcommand;

/// `dual-write …`
#[derive(Debug, Subcommand)]
pub enum DualWriteCmd {
    /// Lets commits wait until the target has applied them; needs something that drives the migration, and stays with it.
    ///
    /// The server knows no time-out for this wait: whoever drives attends it and falls back to asynchronous when P99 passes the
    /// budget, when the target is away for a second, and when it ends; a watchdog does when it dies. `dual-write show` prints the
    /// one command that frees the source by hand.
    On {
        /// The migration.
        migration: String,
        /// Commits of this role, in the source database alone.
        #[arg(long, value_name = "ROLE", conflicts_with = "database")]
        role: Option<String>,
        /// Commits of everybody in the source database.
        #[arg(long)]
        database: bool,
        /// P99 of a small write beyond which it falls back: 3ms, 800us.
        #[arg(long, value_name = "TIME", default_value = "3ms")]
        budget: String,
    },
    /// Lets commits go on without the target, and measures once more.
    Off {
        /// The migration.
        migration: String,
    },
    /// How it stands, what it cost, how often it fell back: 0 on, 1 off.
    Show {
        /// The migration.
        migration: String,
    },
}
