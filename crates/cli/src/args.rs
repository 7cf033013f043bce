//! The arguments. Their texts are the manual.

mod capture;
mod drill;
mod dual_write;
mod load;
mod metrics;
mod queries;
mod sentry;
mod shadow;
mod verify;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

pub use capture::*;
pub use drill::*;
pub use dual_write::*;
pub use load::*;
pub use metrics::*;
pub use queries::*;
pub use sentry::*;
pub use shadow::*;
pub use verify::*;

/// Moves a live database to another server, and back, without downtime.
///
/// A migration goes through six phases: analyze, prepare, replicate, validate, then reads by percent and the write switch,
/// then cleanup. `status` says where it stands and why the next step is open or shut; `run` takes the next step;
/// `rollback` returns everything to the source. Every act is previewed by the code that performs it and journaled before
/// it happens; after a crash any process goes on from the journal.
///
/// A migration is driven by the process that holds its lease: the window if it is open, else this program while it runs a
/// command or `drive`s.
///
/// Exit codes: 0 yes, equal, done; 1 findings, closed, refused, taken back; 2 could not look or act.
#[derive(Debug, Parser)]
#[command(name = "switchyardctl", version, max_term_width = 110)]
pub struct Args {
    /// Print one JSON object on stdout instead of text.
    #[arg(long, global = true)]
    pub json: bool,
    /// The store's file [default: $SWITCHYARD_STORE, else the application's data folder].
    #[arg(long, global = true, value_name = "FILE")]
    pub store: Option<PathBuf>,
    #[command(subcommand)]
    pub command: Cmd,
}

#[derive(Debug, Subcommand)]
pub enum Cmd {
    /// Endpoints: how to reach databases.
    #[command(subcommand)]
    Endpoint(EndpointCmd),
    /// Migrations: create and list them.
    #[command(subcommand)]
    Migration(MigrationCmd),
    /// Where a migration stands: phase, lag, gates, and why the next command is open (0) or shut (1).
    Status {
        /// The migration.
        migration: String,
        /// List every check of every phase.
        #[arg(long)]
        checks: bool,
    },
    /// What a command would do, step by step, with the exact statements.
    Preview {
        /// The migration.
        migration: String,
        #[command(flatten)]
        step: StepArgs,
    },
    /// Runs a command and follows it to its end.
    Run {
        /// The migration.
        migration: String,
        #[command(flatten)]
        step: StepArgs,
        /// Why; kept in the journal.
        #[arg(long, default_value = "")]
        reason: String,
        /// Wait up to this many seconds for closed gates to open.
        #[arg(long, value_name = "SECONDS", default_value_t = 0)]
        wait: u64,
    },
    /// Returns reads, and writes where they had moved, to the source.
    Rollback {
        /// The migration.
        migration: String,
        /// Why; kept in the journal.
        #[arg(long, default_value = "")]
        reason: String,
        /// Only show what would run.
        #[arg(long)]
        preview: bool,
    },
    /// The journal: everything that was asked, tried, done and taken back.
    #[command(args_conflicts_with_subcommands = true)]
    Journal {
        /// Something else than to print it.
        #[command(subcommand)]
        action: Option<JournalCmd>,
        /// The migration.
        #[arg(required = true)]
        migration: Option<String>,
        /// Only entries after this number.
        #[arg(long, default_value_t = 0)]
        after: i64,
        /// At most this many, the newest.
        #[arg(long, default_value_t = 200)]
        limit: u32,
    },
    /// Answers a check that only a person can answer.
    SignOff {
        /// The migration.
        migration: String,
        /// The check's name, from `status --checks`.
        check: String,
        /// Who answers for it.
        #[arg(long)]
        name: String,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// Opens a closed gate for the next run, by name and with a reason.
    Override {
        /// The migration.
        migration: String,
        /// The gate: preflight, hold, schema, lag, consistency, way_back, read_back, latency, errors, application, connections,
        /// slots, transactions, soak, drill or receive_only.
        gate: String,
        /// Who answers for it.
        #[arg(long)]
        name: String,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// Drills: a rehearsed failure and the way back from it, measured.
    #[command(subcommand)]
    Drill(DrillCmd),
    /// Synchronous dual write: commits of a role or a database wait until the target has applied them.
    #[command(subcommand)]
    DualWrite(DualWriteCmd),
    /// Stands at a PgBouncer, on another machine than the one that drives, and ends a PAUSE that lasts too long.
    ///
    /// PgBouncer keeps a PAUSE when the machine that sent it is gone. A sentry needs no store and knows no migration; it looks at
    /// one database of one PgBouncer until it is interrupted. Whoever drives sees that it stands there.
    Sentry(SentryArgs),
    /// Queries: statements of both sides compared, errors by what failed, plans side by side, the index that is missing.
    #[command(subcommand)]
    Queries(QueriesCmd),
    /// Shadow reads: reads of the source's traffic, run on both sides and compared.
    #[command(subcommand)]
    Shadow(ShadowCmd),
    /// Plans: which strategy fits, how long the move takes, and whether the connections suffice.
    #[command(subcommand)]
    Plan(PlanCmd),
    /// Schemas: what a database holds, and how two differ, with or without a migration.
    #[command(subcommand)]
    Schema(SchemaCmd),
    /// Compares two databases row by row, with or without a migration: 0 all equal, 1 findings, 2 not proven.
    ///
    /// Rows are hashed where they are and only sums travel; where sums differ, rows are narrowed down and looked at again
    /// once the stream has passed, so that a change on its way is no finding. Passwords come from the environment
    /// (SWITCHYARD_SOURCE_PASSWORD, SWITCHYARD_TARGET_PASSWORD), the URL, the keyring or ~/.pgpass.
    Verify(VerifyArgs),
    /// Where every table of a migration stands, by the comparison in the background: 0 all equal, 1 rows differ, 2 not proven.
    Consistency(ConsistencyArgs),
    /// Rows that were found different, with the numbers by which `run MIGRATION repair` takes them: 0 none, 1 some.
    Findings {
        /// The migration.
        migration: String,
        /// Only of this table, as schema.table.
        #[arg(long, value_name = "TABLE")]
        table: Option<String>,
        /// Writes all of them into this file, which must not be there yet and only you may read: it holds rows.
        #[arg(long, value_name = "FILE")]
        export: Option<std::path::PathBuf>,
        /// With --export: csv or json (an object per line); else by the end of the file's name.
        #[arg(long, value_name = "FORMAT", requires = "export", value_parser = ["csv", "json"])]
        format: Option<String>,
    },
    /// Transactions that would delay the fence of a switch, oldest first: 0 none is too old, 1 some are.
    ///
    /// They hold or wait for locks on tables of the migration, on the side that has the writes. What they run is not shown. One
    /// can be ended by an explicit choice, which goes into the journal; wait instead where you can.
    Transactions(TransactionsArgs),
    /// Shows the limits, or replaces them: all with those in a JSON file (as `limits --json` prints them), or some by name.
    Limits {
        /// The migration.
        migration: String,
        /// The file with the new limits, or one limit, as step_back=on; may be given several times.
        #[arg(long, value_name = "FILE|NAME=VALUE")]
        set: Vec<String>,
    },
    /// The application's own metrics, from a Prometheus: a limit on each, for which the ladder waits.
    #[command(subcommand)]
    Metrics(MetricsCmd),
    /// Captures: statements of a live database as they came, with values, times and sessions.
    #[command(subcommand)]
    Capture(CaptureCmd),
    /// Replays: a capture played on a scratch copy, or on two that are compared.
    #[command(subcommand)]
    Replay(ReplayCmd),
    /// Generated load: a rate that is held, or the highest one that is served.
    #[command(subcommand)]
    Load(LoadCmd),
    /// Holds the lease and drives a migration until interrupted: beats, gates, queue, recovery.
    Drive {
        /// The migration.
        migration: String,
    },
}

/// What is done with a journal.
#[derive(Debug, Subcommand)]
pub enum JournalCmd {
    /// Reads every entry and finds one that was changed, removed or slipped in.
    ///
    /// Each entry carries a hash of itself and of the one before it. The newest one is printed: note it elsewhere, and give it
    /// with --head later, since who can write the store can compute every hash anew.
    Verify {
        /// The migration.
        migration: String,
        /// What an earlier run printed as the head: that entry has to be there still.
        #[arg(long, value_name = "NUMBER:HASH")]
        head: Option<String>,
    },
}

/// What is done about transactions.
#[derive(Debug, clap::Args)]
pub struct TransactionsArgs {
    /// The migration.
    pub migration: String,
    /// Ends the session of this one, by the id with which it is listed.
    #[arg(long, value_name = "ID", requires = "reason")]
    pub end: Option<String>,
    /// Who answers for it [default: whoever runs this].
    #[arg(long, requires = "end")]
    pub name: Option<String>,
    /// Why; kept in the journal.
    #[arg(long, requires = "end")]
    pub reason: Option<String>,
}

/// Which command.
#[derive(Debug, clap::Args)]
pub struct StepArgs {
    /// next, analyze, prepare, hold, release, replicate, validate, repair, reads, writes or cleanup.
    #[arg(default_value = "next")]
    pub step: String,
    /// For reads: percent on the target. For cleanup: the migration's name again.
    pub value: Option<String>,
    /// For repair: only rows of this table, as schema.table.
    #[arg(long, value_name = "TABLE")]
    pub table: Option<String>,
    /// For repair: only these findings, by their numbers from `findings`; may be given several times.
    #[arg(long = "finding", value_name = "ID", num_args = 1..)]
    pub findings: Vec<i64>,
}

#[derive(Debug, Subcommand)]
pub enum EndpointCmd {
    /// Adds or replaces an endpoint. The password comes from the URL on stdin (`--url -`), SWITCHYARD_PASSWORD or a prompt.
    Add {
        /// Its name.
        name: String,
        /// postgres://user@host:port/database?sslmode=…, or `-` to read it from stdin.
        #[arg(long)]
        url: String,
        /// host:port under which the other server reaches it, where that differs.
        #[arg(long, value_name = "HOST:PORT")]
        peer_address: Option<String>,
    },
    /// Lists endpoints.
    List,
    /// Connects and says what is found, or what is wrong and what to do.
    Test {
        /// Its name.
        name: String,
    },
    /// Deletes an endpoint and its password.
    Remove {
        /// Its name.
        name: String,
    },
    /// Imports a service of pg_service.conf, with its password from .pgpass; without a name lists what there is.
    Import {
        /// The service.
        service: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
pub enum PlanCmd {
    /// Weighs the four strategies: 0 one fits, 1 none does, 2 could not look.
    Strategy {
        #[command(flatten)]
        of: PlanOfArgs,
        #[command(flatten)]
        answers: AnswerArgs,
        #[command(flatten)]
        copy: CopyArgs,
    },
    /// Places the playbook's weeks, scaled by what was measured; exports a page, a text or a calendar.
    Timeline {
        #[command(flatten)]
        of: PlanOfArgs,
        #[command(flatten)]
        answers: AnswerArgs,
        #[command(flatten)]
        copy: CopyArgs,
        /// offline, blue-green, rolling or live [default: the migration's, or what fits].
        #[arg(long, value_name = "STRATEGY")]
        strategy: Option<String>,
        /// First day, as 2026-11-24 [default: the file's, or today].
        #[arg(long, value_name = "DAY")]
        start: Option<String>,
        /// A TOML file with start = "2026-11-24", [days] discovery = 5, and [done] discovery = "2026-12-01".
        #[arg(long, value_name = "FILE")]
        changes: Option<PathBuf>,
        /// text, markdown, html or ical.
        #[arg(long, value_name = "FORMAT", default_value = "text")]
        format: String,
    },
    /// Counts connections on both sides through the phases: 0 enough, 1 a warning, 2 could not look.
    Pools {
        #[command(flatten)]
        of: PlanOfArgs,
        /// Connections of the application's pool in all [default: those in use on the source now].
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(i64).range(1..=100_000))]
        pool: Option<i64>,
    },
}

/// What a plan is for: a migration, or two databases.
#[derive(Debug, clap::Args)]
pub struct PlanOfArgs {
    /// A migration: its endpoints and limits, and what its switches and comparisons took.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["source", "target"])]
    pub migration: Option<String>,
    /// The source: a postgres:// URL or an endpoint's name.
    #[arg(long, env = "SWITCHYARD_SOURCE", hide_env_values = true, value_name = "URL|ENDPOINT", requires = "target")]
    pub source: Option<String>,
    /// The target: a postgres:// URL or an endpoint's name.
    #[arg(long, env = "SWITCHYARD_TARGET", hide_env_values = true, value_name = "URL|ENDPOINT", requires = "source")]
    pub target: Option<String>,
}

/// What the team says of itself.
#[derive(Debug, clap::Args)]
pub struct AnswerArgs {
    /// How long the application may be without the database: 250ms, 30s, 5m, 2h.
    #[arg(long, value_name = "TIME", default_value = "5m")]
    pub downtime: String,
    /// People who can attend to the move.
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub team: u32,
    /// Databases that the source is sharded into.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub shards: u32,
}

/// Whether speeds are measured.
#[derive(Debug, clap::Args)]
pub struct CopyArgs {
    /// Does not send a sample of rows to the target (it is rolled back there) to measure how fast rows travel.
    #[arg(long)]
    pub no_copy: bool,
}

#[derive(Debug, Subcommand)]
pub enum SchemaCmd {
    /// Lists everything that a database holds, with sizes and rows of its tables.
    ///
    /// The password comes from the environment (SWITCHYARD_PASSWORD), the URL, the keyring or ~/.pgpass.
    Inventory {
        /// A postgres:// URL or an endpoint's name.
        #[arg(long, env = "SWITCHYARD_ENDPOINT", hide_env_values = true, value_name = "URL|ENDPOINT")]
        endpoint: String,
    },
    /// Compares two schemas object by object: 0 no difference of that level, 1 some, 2 could not look.
    ///
    /// Each difference has a severity, one sentence why, and the SQL that mends it on the target; nothing is run. Passwords
    /// come from the environment (SWITCHYARD_SOURCE_PASSWORD, SWITCHYARD_TARGET_PASSWORD), the URL, the keyring or ~/.pgpass.
    Diff(SchemaPairArgs),
    /// Judges whether one database can be moved to the other: 0 nothing of that level, 1 something fails, 2 could not look.
    ///
    /// Each check has a severity, one sentence what comes of it, and what mends it; nothing is run. Passwords come from the
    /// environment (SWITCHYARD_SOURCE_PASSWORD, SWITCHYARD_TARGET_PASSWORD), the URL, the keyring or ~/.pgpass.
    Preflight(SchemaPairArgs),
    /// Samples who uses a database: which applications, users and addresses, when, and what for: 0 looked, 2 could not look.
    ///
    /// Ctrl-C ends it early with what was seen so far. Reads statistics only, and takes pg_monitor to see others. The password
    /// comes from the environment (SWITCHYARD_PASSWORD), the URL, the keyring or ~/.pgpass.
    Consumers(ConsumersArgs),
    /// Prints what a migration's operators accepted, as a file for `schema diff --accept`.
    Accepted {
        /// The migration.
        migration: String,
    },
}

/// What `schema consumers` samples.
#[derive(Debug, clap::Args)]
pub struct ConsumersArgs {
    /// A postgres:// URL or an endpoint's name.
    #[arg(long, env = "SWITCHYARD_ENDPOINT", hide_env_values = true, value_name = "URL|ENDPOINT")]
    pub endpoint: Option<String>,
    /// Instead: a migration, whose source is sampled.
    #[arg(long, value_name = "MIGRATION")]
    pub migration: Option<String>,
    /// For how long, in seconds.
    #[arg(long = "for", value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=604_800))]
    pub span: u64,
    /// How often, in seconds; what connects for a shorter time can be missed.
    #[arg(long, value_name = "SECONDS", default_value_t = 1.0)]
    pub every: f64,
}

/// What `schema diff` compares and `schema preflight` judges.
#[derive(Debug, clap::Args)]
pub struct SchemaPairArgs {
    /// The source: a postgres:// URL or an endpoint's name.
    #[arg(long, env = "SWITCHYARD_SOURCE", hide_env_values = true, value_name = "URL|ENDPOINT")]
    pub source: Option<String>,
    /// The target: a postgres:// URL or an endpoint's name.
    #[arg(long, env = "SWITCHYARD_TARGET", hide_env_values = true, value_name = "URL|ENDPOINT")]
    pub target: Option<String>,
    /// Instead of both: a migration, whose accepted differences count as such in a comparison.
    #[arg(long, value_name = "MIGRATION")]
    pub migration: Option<String>,
    /// text, markdown, html or junit; goes before --json [default: text].
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<String>,
    /// From which severity on to answer 1: blocks, data, speed or any.
    #[arg(long, value_name = "LEVEL", default_value = "any")]
    pub fail_on: String,
    /// A TOML file of differences and checks that were accepted, each with its reason.
    #[arg(long, value_name = "FILE")]
    pub accept: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
#[expect(clippy::large_enum_variant, reason = "parsed once per process")]
pub enum MigrationCmd {
    /// Creates a migration between two endpoints.
    Create {
        /// Its name.
        name: String,
        /// The source's endpoint.
        #[arg(long)]
        source: String,
        /// The target's endpoint.
        #[arg(long)]
        target: String,
        /// A PgBouncer's admin console, USER@HOST:PORT; may be given more than once. Its password comes from
        /// SWITCHYARD_PGBOUNCER_PASSWORD or a prompt.
        #[arg(long, value_name = "USER@HOST:PORT")]
        pgbouncer: Vec<String>,
        /// Pools of writers and readers.
        #[arg(long, value_name = "RW,RO", default_value = "app_rw,app_ro")]
        pools: String,
        /// HAProxy's admin socket, HOST:PORT or a path; may be given more than once.
        #[arg(long, value_name = "ADDRESS")]
        haproxy: Vec<String>,
        /// Backends of writes and reads.
        #[arg(long, value_name = "RW,RO", default_value = "rw,ro")]
        backends: String,
        /// Names of the source's and the target's server in both backends.
        #[arg(long, value_name = "SOURCE,TARGET", default_value = "source,target")]
        servers: String,
        /// normal, cautious or demo.
        #[arg(long, default_value = "normal")]
        limits: String,
        /// live (reads by percent, then writes), blue-green (reads and writes at once) or offline (writes held from before the
        /// copy until the switch).
        #[arg(long, default_value = "live")]
        strategy: String,
    },
    /// Lists migrations.
    List,
}
