//! HAProxy: the listener for writes with one server ready and one in maintenance, and the weighted one for reads.

use std::time::Duration;

use rustix::process::Signal;

use crate::error::{Result, RigError};
use crate::home::Home;
use crate::process::{Process, Recipe};
use crate::{HOST, port, ready};

const START_DEADLINE: Duration = Duration::from_secs(10);

/// A running HAProxy with backends `rw` and `ro`, each with the servers `source` and `target`.
#[derive(Debug)]
pub struct HaProxy {
    /// Always `127.0.0.1`.
    pub admin_host: String,
    /// The port of its admin socket (`level admin`).
    pub admin_port: u16,
    /// Where writes go in.
    pub rw_port: u16,
    /// Where reads go in.
    pub ro_port: u16,
    process: Process,
}

impl HaProxy {
    /// Over the ports where it reaches the source and the target.
    pub(crate) async fn start(home: &Home, source: u16, target: u16) -> Result<Self> {
        let dir = home.fresh("haproxy")?;
        let (admin_port, rw_port, ro_port) = (port::free()?, port::free()?, port::free()?);
        let config = dir.join("haproxy.cfg");
        home.account.write_private(&config, &configuration(admin_port, rw_port, ro_port, source, target))?;
        let log = home.path().join("haproxy.log");
        let process = Process::start(Recipe {
            name: "HAProxy".into(),
            program: "/usr/sbin/haproxy".into(),
            args: vec!["-db".into(), "-f".into(), config.display().to_string()],
            account: home.account,
            log,
            stop: Signal::TERM,
            abort: Signal::TERM,
        })
        .map_err(missing)?;
        let haproxy = Self { admin_host: HOST.into(), admin_port, rw_port, ro_port, process };
        haproxy.wait_ready().await?;
        Ok(haproxy)
    }

    /// Its process id, while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.process.pid()
    }

    /// Ends it; connections through it break.
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

    /// Stops it and starts it again: its route is then that of its file, writes and all reads on the source.
    pub async fn restart(&self) -> Result<()> {
        self.stop().await?;
        self.process.start_again()?;
        self.wait_ready().await
    }

    async fn wait_ready(&self) -> Result<()> {
        for listener in [self.admin_port, self.rw_port, self.ro_port] {
            let alive = || self.process.is_running();
            ready::listening("HAProxy", listener, START_DEADLINE, self.process.log(), alive).await?;
        }
        Ok(())
    }
}

/// No health checks: which server takes writes is decided by the product alone.
fn configuration(admin: u16, rw: u16, ro: u16, source: u16, target: u16) -> String {
    format!(
        "global
    stats socket ipv4@{HOST}:{admin} level admin
    stats timeout 24h
    maxconn 4000

defaults
    mode tcp
    timeout connect 5s
    timeout client 24h
    timeout server 24h
    option clitcpka
    option srvtcpka

frontend rw_in
    bind {HOST}:{rw}
    default_backend rw

frontend ro_in
    bind {HOST}:{ro}
    default_backend ro

backend rw
    server source {HOST}:{source}
    server target {HOST}:{target} disabled

backend ro
    balance roundrobin
    server source {HOST}:{source} weight 100
    server target {HOST}:{target} weight 0
"
    )
}

fn missing(error: RigError) -> RigError {
    match error {
        RigError::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
            RigError::Missing { what: "HAProxy".into(), remedy: "run scripts/setup.sh demo".into() }
        }
        other => other,
    }
}
