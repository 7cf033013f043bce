//! How to reach a rig, as data: `rig.json` in its folder, which `switchyard-rig up` prints too.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::account::write_private;
use crate::error::{Result, RigError};
use crate::login::Logins;
use crate::pooler::Pooler;
use crate::rig::Rig;
use crate::server::Server;

/// The name of the file in a rig's folder.
pub const FILE: &str = "rig.json";

/// Everything one needs to reach a rig, passwords included.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Endpoints {
    /// The process that holds the rig.
    pub owner_pid: u32,
    /// The source.
    pub source: ServerEndpoint,
    /// The target.
    pub target: ServerEndpoint,
    /// The users, the same on both sides.
    pub logins: Logins,
    /// The PgBouncers.
    pub poolers: Vec<PoolerEndpoint>,
    /// HAProxy's admin address, `host:port`.
    pub haproxy_admin: Option<String>,
}

/// How to reach one PostgreSQL.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ServerEndpoint {
    /// Its host.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Its database.
    pub database: String,
    /// Its version.
    pub version: String,
    /// The authority to trust, when it offers TLS.
    pub ca_file: Option<PathBuf>,
    /// Its log.
    pub log: PathBuf,
}

/// How to reach one PgBouncer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PoolerEndpoint {
    /// Its host.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The admin console's user.
    pub admin_user: String,
    /// The admin console's password.
    pub admin_password: String,
}

impl Endpoints {
    /// The endpoints of a running rig.
    pub fn of(rig: &Rig) -> Self {
        Self {
            owner_pid: std::process::id(),
            source: server(&rig.source),
            target: server(&rig.target),
            logins: rig.source.logins.clone(),
            poolers: rig.poolers.iter().map(pooler).collect(),
            haproxy_admin: rig.haproxy.as_ref().map(|h| format!("{}:{}", h.admin_host, h.admin_port)),
        }
    }

    /// Reads the file that a rig left in its folder.
    pub fn read(dir: &Path) -> Result<Self> {
        let path = dir.join(FILE);
        let doing = || format!("reading {}", path.display());
        let text = std::fs::read_to_string(&path).map_err(RigError::io(doing()))?;
        serde_json::from_str(&text).map_err(|e| RigError::Io { doing: doing(), source: e.into() })
    }

    /// Removes the files of an ended rig from its folder, and nothing else.
    pub fn remove(&self, dir: &Path) -> Result<()> {
        let mut names = vec!["source".to_owned(), "target".into(), "haproxy".into(), "haproxy.log".into()];
        for number in 1..=self.poolers.len() {
            names.extend([format!("pgbouncer-{number}"), format!("pgbouncer-{number}.log")]);
        }
        // Last, so that an interrupted removal can be repeated.
        names.push(FILE.into());
        for path in names.iter().map(|name| dir.join(name)).filter(|path| path.exists()) {
            let removed = if path.is_dir() { std::fs::remove_dir_all(&path) } else { std::fs::remove_file(&path) };
            removed.map_err(RigError::io(format!("removing {}", path.display())))?;
        }
        Ok(())
    }
}

/// Writes the file into the rig's folder, readable for its owner only.
pub(crate) fn write(rig: &Rig) -> Result<()> {
    let path = rig.dir().join(FILE);
    let text = serde_json::to_string_pretty(&Endpoints::of(rig))
        .map_err(|e| RigError::Io { doing: format!("writing {}", path.display()), source: e.into() })?;
    write_private(&path, &text)
}

fn server(server: &Server) -> ServerEndpoint {
    ServerEndpoint {
        host: server.host.clone(),
        port: server.port,
        database: crate::DATABASE.into(),
        version: server.version.clone(),
        ca_file: server.ca_file.clone(),
        log: server.log.clone(),
    }
}

fn pooler(pooler: &Pooler) -> PoolerEndpoint {
    PoolerEndpoint {
        host: pooler.host.clone(),
        port: pooler.port,
        admin_user: pooler.admin_user.clone(),
        admin_password: pooler.admin_password.clone(),
    }
}
