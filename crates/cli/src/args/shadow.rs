//! `shadow`: its subcommands.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `shadow …`
#[derive(Debug, Subcommand)]
pub enum ShadowCmd {
    /// Runs reads of the source's traffic on both sides and compares the results: 0 no finding, 1 findings, 2 could not be known.
    ///
    /// Only what is proven to be one plain SELECT is run, on both sides in a read-only transaction that is rolled back. What differs
    /// is run again once the stream has passed, so that a row on its way is no finding. An interrupt ends it in order.
    Run(ShadowArgs),
}

/// What `shadow run` takes.
#[derive(Debug, Args)]
pub struct ShadowArgs {
    /// The migration.
    pub migration: String,
    /// Ends after so many seconds [default: 60, or the end of the files or of the capture].
    #[arg(long = "for", value_name = "SECONDS")]
    pub span: Option<u32>,
    /// Percent of the reads that are run; the first of each statement always is.
    #[arg(long, value_name = "PERCENT", default_value_t = 100)]
    pub share: u8,
    /// Comparisons per second, at most.
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub rate: u32,
    /// Files of the source's log, csv, json or plain lines, also gzip; the oldest first [default: the server's log as it grows].
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with = "activity")]
    pub log: Vec<PathBuf>,
    /// The log_line_prefix with which plain lines were written [default: the server's].
    #[arg(long, value_name = "PREFIX", requires = "log")]
    pub prefix: Option<String>,
    /// A capture, to its end: reads of another time, asked of both sides as they are now.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["activity", "log"])]
    pub capture: Option<PathBuf>,
    /// Looks at what sessions run instead of the log: short statements, and those with parameters, are not seen.
    #[arg(long)]
    pub activity: bool,
}
