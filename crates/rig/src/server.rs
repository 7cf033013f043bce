//! One PostgreSQL server with the rig's users and its database.

use std::path::PathBuf;
use std::time::Duration;

use rustix::process::Signal;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection, raw_sql};

use crate::error::{Result, RigError};
use crate::home::Home;
use crate::login::Logins;
use crate::major::Major;
use crate::process::{Process, Recipe};
use crate::quote::{identifier, literal, url_part};
use crate::template::{self, Identity};
use crate::{DATABASE, HOST, port, ready, settings, tls};

/// How long a server may take to be ready (crash recovery included).
const START_DEADLINE: Duration = Duration::from_secs(60);

/// What a single server shall be like.
#[derive(Debug, Clone, Default)]
pub struct ServerOptions {
    /// Where its files go; a temporary folder when absent.
    pub dir: Option<PathBuf>,
    /// Settings that override the rig's own, for example `wal_level = replica`.
    pub settings: Vec<(String, String)>,
    /// The users; fresh passwords when absent.
    pub logins: Option<Logins>,
    /// Whether it offers TLS, with a certificate of its own authority (see [`Server::ca_file`]).
    pub tls: bool,
    /// Which system identifier it has; two servers of one version are told apart by it.
    pub identity: Identity,
}

/// A running PostgreSQL. Dropping it ends it and removes its temporary folder.
#[derive(Debug)]
pub struct Server {
    /// Always `127.0.0.1`.
    pub host: String,
    /// Its port; kept over restarts.
    pub port: u16,
    /// Which generation it is.
    pub major: Major,
    /// Its exact version, for example `15.20`.
    pub version: String,
    /// Its users.
    pub logins: Logins,
    /// Its data directory, readable only for the servers' user.
    pub data_dir: PathBuf,
    /// What it logs.
    pub log: PathBuf,
    /// The authority that signed its certificate, when it offers TLS.
    pub ca_file: Option<PathBuf>,
    process: Process,
    // Dropped last: the server must be gone before its files are.
    _home: Home,
}

impl Server {
    /// Starts a server with users `postgres`, `switchyard`, `switchyard_limited`, `app` and the database `shop`.
    pub async fn start(major: Major, options: ServerOptions) -> Result<Self> {
        let home = Home::open(options.dir.as_deref())?;
        let dir = home.fresh("postgres")?;
        let data_dir = dir.join("data");
        let port = port::free()?;
        let account = home.account;
        let bootstrap = {
            let data_dir = data_dir.clone();
            blocking(move || template::unpack(major, options.identity, &data_dir, account)).await?
        };
        let certificates = if options.tls {
            let dir = dir.clone();
            Some(blocking(move || tls::issue(&dir, account)).await?)
        } else {
            None
        };
        settings::append(&data_dir, port, certificates.as_ref(), &options.settings)?;
        let log = home.path().join("postgres.log");
        let process = Process::start(Recipe {
            name: format!("PostgreSQL on port {port}"),
            program: major.program("postgres")?,
            args: vec!["-D".into(), data_dir.display().to_string()],
            account,
            log: log.clone(),
            stop: Signal::INT,
            abort: Signal::QUIT,
        })?;
        let server = Self {
            host: HOST.into(),
            port,
            major,
            version: major.version()?,
            logins: options.logins.unwrap_or_else(Logins::generate),
            data_dir,
            log,
            ca_file: certificates.map(|c| c.ca),
            process,
            _home: home,
        };
        server.wait_ready().await?;
        server.populate(&bootstrap).await?;
        Ok(server)
    }

    /// A `postgres://` URL for a user and a database.
    pub fn url(&self, user: &str, password: &str, database: &str) -> String {
        let (user, password, database) = (url_part(user), url_part(password), url_part(database));
        format!("postgres://{user}:{password}@{}:{}/{database}", self.host, self.port)
    }

    /// The URL of the superuser `postgres`.
    pub fn admin_url(&self, database: &str) -> String {
        self.url(&self.logins.superuser.user, &self.logins.superuser.password, database)
    }

    /// The URL of the product's role `switchyard`, on `shop`.
    pub fn switchyard_url(&self) -> String {
        self.url(&self.logins.switchyard.user, &self.logins.switchyard.password, DATABASE)
    }

    /// The URL of the application's user `app`, on `shop`, around every pooler.
    pub fn app_url(&self) -> String {
        self.url(&self.logins.app.user, &self.logins.app.password, DATABASE)
    }

    /// A connection as the superuser.
    pub async fn connect(&self, database: &str) -> Result<PgConnection> {
        PgConnection::connect(&self.admin_url(database))
            .await
            .map_err(RigError::sql(format!("connecting to {} on port {}", database, self.port)))
    }

    /// Runs statements as the superuser on `shop`, by the simple protocol.
    pub async fn execute(&self, sql: &str) -> Result<()> {
        let mut connection = self.connect(DATABASE).await?;
        run(&mut connection, sql.to_owned()).await?;
        connection.close().await.map_err(RigError::sql("closing a connection"))
    }

    /// The postmaster's process id, while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.process.pid()
    }

    /// Ends it in order (fast shutdown).
    pub async fn stop(&self) -> Result<()> {
        self.process.stop().await
    }

    /// Kills the postmaster and its children (SIGKILL).
    pub async fn kill(&self) -> Result<()> {
        self.process.kill().await
    }

    /// Freezes the postmaster and its children (SIGSTOP).
    pub fn freeze(&self) -> Result<()> {
        self.process.freeze()
    }

    /// Lets it go on.
    pub fn thaw(&self) -> Result<()> {
        self.process.thaw()
    }

    /// Stops it when it runs, and starts it on the same port; also the way back after [`Server::kill`].
    pub async fn restart(&self) -> Result<()> {
        self.stop().await?;
        // A killed server leaves its pid file behind, with the word "ready" in it.
        let _ = std::fs::remove_file(self.data_dir.join("postmaster.pid"));
        self.process.start_again()?;
        self.wait_ready().await
    }

    async fn wait_ready(&self) -> Result<()> {
        let pid_file = self.data_dir.join("postmaster.pid");
        let what = format!("PostgreSQL on port {}", self.port);
        ready::until(&what, START_DEADLINE, &self.log, || {
            if !self.process.is_running() {
                return Err(RigError::late(&what, Duration::ZERO, &self.log));
            }
            // The eighth line says "ready" once connections are served; reading it costs the server nothing.
            let text = std::fs::read_to_string(&pid_file).unwrap_or_default();
            Ok(text.lines().nth(7).is_some_and(|line| line.trim() == "ready"))
        })
        .await
    }

    /// Makes the users and the database, and ends the password that the prepared directory came with.
    async fn populate(&self, bootstrap: &str) -> Result<()> {
        let url = self.url("postgres", bootstrap, "postgres");
        let doing = || format!("setting up the server on port {}", self.port);
        let mut connection = PgConnection::connect(&url).await.map_err(RigError::sql(doing()))?;
        let Logins { superuser, switchyard, limited, app } = &self.logins;
        let role = |login: &crate::login::Login, rights: &str| {
            format!("CREATE ROLE {} LOGIN {rights} PASSWORD {};", identifier(&login.user), literal(&login.password))
        };
        let roles = [
            format!("ALTER ROLE {} PASSWORD {};", identifier(&superuser.user), literal(&superuser.password)),
            role(switchyard, "SUPERUSER REPLICATION"),
            role(limited, ""),
            role(app, ""),
        ];
        run(&mut connection, roles.concat()).await?;
        let create = format!("CREATE DATABASE {} OWNER {}", identifier(DATABASE), identifier(&app.user));
        run(&mut connection, create).await?;
        connection.close().await.map_err(RigError::sql(doing()))
    }
}

async fn run(connection: &mut PgConnection, sql: String) -> Result<()> {
    let begin: String = sql.chars().take(40).collect();
    // Quoted by `identifier` and `literal`, or written by the caller; DDL takes no parameters.
    raw_sql(AssertSqlSafe(sql)).execute(connection).await.map(drop).map_err(RigError::sql(format!("running {begin}…")))
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|e| Err(RigError::Io { doing: "preparing a server".into(), source: std::io::Error::other(e) }))
}
