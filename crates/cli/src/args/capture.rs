//! `capture` and `replay`: their subcommands.

use std::path::PathBuf;

use clap::Subcommand;

/// `capture …`
#[derive(Debug, Subcommand)]
pub enum CaptureCmd {
    /// Makes a capture from a server's log: csv, json or plain, rotated, compressed with gzip or not.
    ///
    /// The file holds the application's data and is for you alone. What the log cannot tell is said.
    Import(CaptureImportArgs),
    /// Captures a live database from its server's log as it grows, until interrupted or for a time.
    ///
    /// The server has to log every statement with its values; what is not set is said, and is not set for you. The log is read over
    /// SQL, by a role that may (pg_monitor, and EXECUTE on pg_read_binary_file). Until it ends the capture is in FILE.part, which
    /// can be played and looked at as well. The password comes from SWITCHYARD_CAPTURE_PASSWORD, the URL, the keyring or
    /// ~/.pgpass.
    Start(CaptureStartArgs),
    /// Ends a capture that another process takes, or took until it was killed; what was taken is then whole and in order.
    Stop {
        /// The capture: what `capture start` was given with --to.
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// What is in a capture.
    Show {
        /// The capture.
        file: PathBuf,
    },
    /// The captures that were made or opened on this machine: 0 fine, 1 where a file is gone, was changed or broke off.
    ///
    /// The list is in the store, and holds no value of a capture.
    List,
    /// Looks through a capture and lists it.
    Add {
        /// The capture.
        file: PathBuf,
    },
    /// Takes a capture off the list; its file stays.
    Forget {
        /// The capture.
        file: PathBuf,
    },
}

/// `capture start …`
#[derive(Debug, clap::Args)]
pub struct CaptureStartArgs {
    /// The database: a postgres:// URL, or the name of an endpoint.
    #[arg(long, value_name = "URL|ENDPOINT")]
    pub at: String,
    /// The capture; it must not be there yet.
    #[arg(long, value_name = "FILE")]
    pub to: PathBuf,
    /// For so long.
    #[arg(long = "for", value_name = "SECONDS")]
    pub seconds: Option<f64>,
    /// Only statements of this role.
    #[arg(long, value_name = "ROLE")]
    pub user: Option<String>,
    /// Asks reads of the application again on the server at once, and keeps what it answers, so that a replay on one copy can be compared
    /// with that. One session of ours does it, and writes a line into the server's log for each.
    #[arg(long)]
    pub answers: bool,
    /// So many of them each second, at most; the first of each statement always.
    #[arg(long, value_name = "N", default_value_t = 20, requires = "answers")]
    pub answers_rate: u32,
}

/// `capture import …`
#[derive(Debug, clap::Args)]
pub struct CaptureImportArgs {
    /// The log's files, the oldest first.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<String>,
    /// The capture; it must not be there yet.
    #[arg(long, value_name = "FILE")]
    pub to: PathBuf,
    /// Only statements of this database.
    #[arg(long)]
    pub database: Option<String>,
    /// Only statements of this role.
    #[arg(long, value_name = "ROLE")]
    pub user: Option<String>,
    /// log_line_prefix, for a log of plain lines.
    #[arg(long, default_value = "%m [%p] ")]
    pub prefix: String,
}

/// `replay …`
#[derive(Debug, Subcommand)]
pub enum ReplayCmd {
    /// Plays a capture on a scratch copy, or on two and compares them: 0 equal, 1 differences or refused, 2 not known.
    ///
    /// Each captured session is a session, its statements in their order. With --against both copies are asked the same, answers
    /// and numbers of rows are compared, and the tables when it is over. Answers that the capture has of the source are compared with those of
    /// a copy of its version, one alone or one of two. A side of a migration is refused, since a replay
    /// writes. Passwords come from the environment (SWITCHYARD_REPLAY_PASSWORD, SWITCHYARD_AGAINST_PASSWORD), the URL,
    /// the keyring or ~/.pgpass.
    Run(ReplayArgs),
}

/// `replay run …`
#[derive(Debug, clap::Args)]
pub struct ReplayArgs {
    /// The scratch copy: a postgres:// URL, or the name of an endpoint.
    #[arg(long, value_name = "URL|ENDPOINT")]
    pub at: String,
    /// A second copy, as the first was made; of the version to compare with.
    #[arg(long, value_name = "URL|ENDPOINT")]
    pub against: Option<String>,
    /// The capture.
    #[arg(long, value_name = "FILE")]
    pub capture: PathBuf,
    /// How many times as fast as it was captured, or max. Where this is not given statements are played one by one with --against, or where
    /// the capture has answers of the source.
    #[arg(long, value_name = "TIMES|max")]
    pub speed: Option<String>,
    /// Sessions at once.
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub sessions: usize,
    /// Compares these tables alone when it is over, as schema.table with * for any text; again for more.
    #[arg(long = "table", value_name = "PATTERN", conflicts_with = "no_tables")]
    pub tables: Vec<String>,
    /// Compares no tables.
    #[arg(long)]
    pub no_tables: bool,
    /// Does not compare the tables before.
    #[arg(long)]
    pub no_first_look: bool,
}
