use clap::Args;

#[derive(Debug, Args)]
pub struct SentryArgs {
    /// The PgBouncer's admin console, USER@HOST:PORT. Its password comes from SWITCHYARD_PGBOUNCER_PASSWORD, ~/.pgpass or
    /// a prompt.
    #[arg(long, value_name = "USER@HOST:PORT")]
    pub pgbouncer: String,
    /// The pool of writers, as the migration has it.
    #[arg(long, value_name = "NAME", default_value = "app_rw")]
    pub database: String,
    /// How long a PAUSE may last, s: longer than a switch and what takes over from it need, shorter than clients wait.
    #[arg(long, value_name = "SECONDS", default_value_t = 20.0)]
    pub longest: f64,
}
