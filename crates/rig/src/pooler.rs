//! PgBouncer in transaction pooling, in front of HAProxy: `app_rw` for writes and `app_ro` for reads.

use std::time::Duration;

use rustix::process::Signal;

use crate::error::{Result, RigError};
use crate::home::Home;
use crate::login::Login;
use crate::process::{Process, Recipe};
use crate::quote::url_part;
use crate::{DATABASE, HOST, port, ready};

const START_DEADLINE: Duration = Duration::from_secs(10);

/// A running PgBouncer.
#[derive(Debug)]
pub struct Pooler {
    /// Always `127.0.0.1`.
    pub host: String,
    /// Where clients and the admin connect.
    pub port: u16,
    /// Who may use the admin console, the database `pgbouncer`.
    pub admin_user: String,
    /// The admin's password.
    pub admin_password: String,
    app: Login,
    process: Process,
}

impl Pooler {
    /// Over HAProxy's two listeners: for writes and for reads.
    pub(crate) async fn start(
        home: &Home,
        number: usize,
        listeners: (u16, u16),
        app: &Login,
        app_secret: &str,
        pool_size: usize,
    ) -> Result<Self> {
        let name = format!("pgbouncer-{number}");
        let dir = home.fresh(&name)?;
        let port = port::free()?;
        let admin = Login::generate("pooler_admin");
        let users = dir.join("users.txt");
        let line = |user: &str, secret: &str| format!("\"{user}\" \"{secret}\"\n");
        let lines = line(&admin.user, &admin.password) + &line(&app.user, app_secret);
        home.account.write_private(&users, &lines)?;
        let config = dir.join("pgbouncer.ini");
        let text = configuration(port, listeners, &admin.user, &users.display().to_string(), pool_size);
        home.account.write_private(&config, &text)?;
        let process = Process::start(Recipe {
            name: name.clone(),
            program: "/usr/sbin/pgbouncer".into(),
            args: vec!["-q".into(), config.display().to_string()],
            account: home.account,
            log: home.path().join(format!("{name}.log")),
            // At once; its "in order" waits for clients that never leave.
            stop: Signal::TERM,
            abort: Signal::TERM,
        })
        .map_err(missing)?;
        let pooler = Self {
            host: HOST.into(),
            port,
            admin_user: admin.user,
            admin_password: admin.password,
            app: app.clone(),
            process,
        };
        pooler.wait_ready().await?;
        Ok(pooler)
    }

    /// The URL of its admin console (simple protocol only).
    pub fn admin_url(&self) -> String {
        self.url(&self.admin_user, &self.admin_password, "pgbouncer")
    }

    /// The application's URL for writes.
    pub fn rw_url(&self) -> String {
        self.url(&self.app.user, &self.app.password, "app_rw")
    }

    /// The application's URL for reads.
    pub fn ro_url(&self) -> String {
        self.url(&self.app.user, &self.app.password, "app_ro")
    }

    fn url(&self, user: &str, password: &str, database: &str) -> String {
        format!("postgres://{}:{}@{}:{}/{database}", url_part(user), url_part(password), self.host, self.port)
    }

    /// Its process id, while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.process.pid()
    }

    /// Ends it; its clients are cut off.
    pub async fn stop(&self) -> Result<()> {
        self.process.stop().await
    }

    /// Kills it (SIGKILL).
    pub async fn kill(&self) -> Result<()> {
        self.process.kill().await
    }

    /// Freezes it (SIGSTOP).
    pub fn freeze(&self) -> Result<()> {
        self.process.freeze()
    }

    /// Lets it go on.
    pub fn thaw(&self) -> Result<()> {
        self.process.thaw()
    }

    /// Stops it and starts it again on the same port; it then holds no client and is not paused.
    pub async fn restart(&self) -> Result<()> {
        self.stop().await?;
        self.process.start_again()?;
        self.wait_ready().await
    }

    async fn wait_ready(&self) -> Result<()> {
        let alive = || self.process.is_running();
        ready::listening("PgBouncer", self.port, START_DEADLINE, self.process.log(), alive).await
    }
}

fn configuration(port: u16, listeners: (u16, u16), admin: &str, users: &str, pool_size: usize) -> String {
    let (rw_port, ro_port) = listeners;
    format!(
        "[databases]
app_rw = host={HOST} port={rw_port} dbname={DATABASE}
app_ro = host={HOST} port={ro_port} dbname={DATABASE}

[pgbouncer]
listen_addr = {HOST}
listen_port = {port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {users}
admin_users = {admin}
pool_mode = transaction
max_client_conn = 500
default_pool_size = {pool_size}
min_pool_size = 0
; PAUSE breaks off a login that is under way, PgBouncer takes that for a refusal, and nobody gets a connection until
; this has passed: with the default of fifteen seconds a short hold can become a long one.
server_login_retry = 0.05
server_tls_sslmode = disable
ignore_startup_parameters = extra_float_digits
log_connections = 0
log_disconnections = 0
"
    )
}

fn missing(error: RigError) -> RigError {
    match error {
        RigError::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
            RigError::Missing { what: "PgBouncer".into(), remedy: "run scripts/setup.sh demo".into() }
        }
        other => other,
    }
}
