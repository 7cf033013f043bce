//! `queries`: its subcommands.

use std::path::PathBuf;

use clap::Subcommand;

/// `queries …`
#[derive(Debug, Subcommand)]
pub enum QueriesCmd {
    /// Statements of both sides by what they cost more on the target: 0 none is slower, 1 some are, 2 could not look.
    ///
    /// Reads pg_stat_statements on both sides, and matches statements by their shape: the text without its values. The worst
    /// of them are explained on both sides by the way.
    Top {
        /// The migration.
        migration: String,
        /// By damage (calls times slowdown), calls, mean or total.
        #[arg(long, value_name = "WHAT", default_value = "damage", value_parser = ["damage", "calls", "mean", "total"])]
        sort: String,
        /// At most this many.
        #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1_000))]
        limit: u32,
        /// Watches from now on for so many seconds.
        #[arg(long = "for", value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=600))]
        span: u32,
        /// Instead: start, since each server began to count; or kept, since the begin of the last `--for`.
        #[arg(long, value_name = "WHEN", value_parser = ["start", "kept"])]
        since: Option<String>,
        /// Also statements of the role as which Switchyard logs in, and those of drills.
        #[arg(long)]
        own: bool,
        /// Reads the servers' logs as well, for percentiles; they have to hold every duration (log_min_duration_statement = 0).
        #[arg(long)]
        logs: bool,
        /// The same from files of the target's log.
        #[arg(long, value_name = "FILE", num_args = 1.., requires = "source_log")]
        log: Vec<PathBuf>,
        /// And of the source's.
        #[arg(long, value_name = "FILE", num_args = 1.., requires = "log")]
        source_log: Vec<PathBuf>,
        /// The log_line_prefix with which plain lines were written [default: the server's].
        #[arg(long, value_name = "PREFIX")]
        prefix: Option<String>,
    },
    /// Errors of the target by statement, table, application and class: 0 none beyond what is tolerated, 1 some, 2 could not look.
    ///
    /// Reads the servers' logs over SQL where they collect them (pg_read_server_files is needed), or from files. A statement that
    /// never went well is said to fail always. Rates need pg_stat_statements.
    Errors {
        /// The migration.
        migration: String,
        /// Files of the target's log, csv, json or plain lines, also gzip; the oldest first.
        #[arg(long, value_name = "FILE", num_args = 1..)]
        log: Vec<PathBuf>,
        /// Files of the source's log, to compare with.
        #[arg(long, value_name = "FILE", num_args = 1..)]
        source_log: Vec<PathBuf>,
        /// The log_line_prefix with which plain lines were written [default: the server's].
        #[arg(long, value_name = "PREFIX")]
        prefix: Option<String>,
        /// All that is in the logs, without rates [default: what is newer than the begin of the last `top --for`, else than the
        /// begin of the server's counting].
        #[arg(long)]
        all: bool,
    },
    /// Latency of both sides over time, P50, P95 and P99: 0 within the limits, 1 the target is slower, 2 not measured on both.
    ///
    /// Reads are the probes of whoever drives the migration: the same rows, by key, on both sides at once. Writes are commits of
    /// beats on the side with the authority. Percentiles are never averaged.
    Latency {
        /// The migration.
        migration: String,
        /// Writes instead of reads; measured on one side at a time, so the answer is 0 where they were.
        #[arg(long)]
        writes: bool,
        /// The last so many minutes.
        #[arg(long, value_name = "N", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=44_640))]
        minutes: u32,
        /// Also a picture of P99 of both sides.
        #[arg(long, value_name = "FILE.svg")]
        chart: Option<PathBuf>,
    },
    /// Plans of a statement on both sides, side by side: 0 alike, 1 they differ, 2 could not look.
    ///
    /// A statement whose values are not known is planned for any values. With --text it is planned with its values, and run on
    /// both sides where it is proven to read and nothing else; in a read-only transaction that is rolled back.
    Plans {
        /// The migration.
        migration: String,
        /// The statement's id, from `queries top`.
        #[arg(long, value_name = "ID")]
        statement: String,
        /// The same statement with values.
        #[arg(long, value_name = "SQL")]
        text: Option<String>,
        /// Only plans it.
        #[arg(long)]
        no_run: bool,
    },
    /// Indexes that a statement lacks on the target: 0 none is missing, or they were made; 1 some are missing, 2 could not look or act.
    Index {
        /// The migration.
        migration: String,
        /// The statement's id, from `queries top`.
        #[arg(long, value_name = "ID")]
        statement: String,
        /// Makes them on the target, without keeping writers out; else only shows what would run.
        #[arg(long)]
        apply: bool,
    },
    /// Where the facts come from, what each source gives now and what it cannot see: 0 all are usable, 1 some are not, 2 not known.
    ///
    /// Reads every source twice: pg_stat_statements, the server's log, pg_stat_activity and pg_stat_database on both sides,
    /// and the counters of the routers. It needs no more than pg_monitor, and says what our role may not see.
    Sources {
        /// The migration.
        migration: String,
        /// Between the two readings that rates come from.
        #[arg(long = "for", value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=60))]
        seconds: u32,
    },
    /// Reads a digest that pgBadger or pt-query-digest made of a log: 0 read, 1 it has errors, 2 could not be read.
    ///
    /// Takes `pgbadger -x json` and `pt-query-digest --output json`, plain or gzip. Percentiles are shown where the tool has
    /// them, and never made up.
    Import {
        /// The digest.
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Which tool made it [default: whichever it turns out to be].
        #[arg(long, value_name = "TOOL", value_parser = ["pgbadger", "pt-query-digest"])]
        kind: Option<String>,
        /// At most this many statements, and as many kinds of errors.
        #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1_000))]
        limit: u32,
        /// Looks for its statements on both servers of this migration.
        #[arg(long, value_name = "MIGRATION")]
        with: Option<String>,
    },
}
