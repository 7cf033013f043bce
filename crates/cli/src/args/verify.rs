//! `verify` and `consistency`: what is compared, and how.

use clap::Args;

/// What is wanted of the comparison in the background.
#[derive(Debug, Args)]
pub struct ConsistencyArgs {
    /// The migration.
    pub migration: String,
    /// Stops reading tables until it is resumed; changes are still counted.
    #[arg(long, conflicts_with = "resume")]
    pub pause: bool,
    /// Goes on after a pause.
    #[arg(long)]
    pub resume: bool,
    /// Reads only this share of the time, in percent.
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u32).range(1..=100))]
    pub throttle: Option<u32>,
    /// Compares a table (schema.table) as a whole now, or `all`; may be given several times.
    #[arg(long, value_name = "TABLE")]
    pub compare: Vec<String>,
}

/// What `verify` compares.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// The source: a postgres:// URL or an endpoint's name.
    #[arg(long, env = "SWITCHYARD_SOURCE", hide_env_values = true, value_name = "URL|ENDPOINT")]
    pub source: String,
    /// The target: a postgres:// URL or an endpoint's name.
    #[arg(long, env = "SWITCHYARD_TARGET", hide_env_values = true, value_name = "URL|ENDPOINT")]
    pub target: String,
    /// Only tables of this name, as schema.table with * for any text; may be given several times.
    #[arg(long, value_name = "PATTERN")]
    pub table: Vec<String>,
    /// Tells apart what a type's own equality calls equal: 1.0 and 1.00, -0.0 and 0.0.
    #[arg(long)]
    pub exact: bool,
    /// Sessions per side at once.
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=32))]
    pub lanes: u8,
    /// How long a change may be on its way where no subscription leads from the source to the target, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 0.0)]
    pub settle: f64,
    /// Makes rows on the target that differ equal to the source's; with --preview or --apply.
    #[arg(long, requires = "how")]
    pub repair: bool,
    /// Prints the statements of a repair and runs none of them.
    #[arg(long, requires = "repair", group = "how")]
    pub preview: bool,
    /// Runs the repair: each row that still is what was seen, in a commit of its own.
    #[arg(long, requires = "repair", group = "how")]
    pub apply: bool,
    /// After the full pass goes on with what changes on either side, until interrupted: a publication on each side and a
    /// temporary slot tell it. With --json each round in which something was looked at is one line.
    #[arg(long, conflicts_with_all = ["preview", "apply"])]
    pub continuous: bool,
    /// With --continuous: seconds between two rounds.
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub every: u64,
    /// Keeps how far it has come in this file, which holds rows that differ and only you may read; the same command goes on
    /// from there after it was killed. The file is removed at the end.
    #[arg(long, value_name = "FILE", conflicts_with = "continuous")]
    pub resume: Option<std::path::PathBuf>,
    /// Reads only this share of the time, in percent, to spare the servers.
    #[arg(long, value_name = "PERCENT", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub throttle: u32,
}
