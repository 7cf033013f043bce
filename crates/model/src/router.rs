//! What changes the route, as configured by the operator.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// One router in front of the pair. Passwords live in the keyring under [`RouterConfig::secret_name`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum RouterConfig {
    /// A PgBouncer, reached at its admin console (database `pgbouncer`).
    PgBouncer {
        /// Host of the console.
        host: String,
        /// Port of the console.
        port: u16,
        /// A user listed in `admin_users`.
        user: String,
        /// The database (pool) that writers use; it is paused during the write switch.
        rw_database: String,
        /// The database (pool) that readers use; its server connections are renewed after each shift.
        ro_database: String,
    },
    /// An HAProxy in TCP mode, reached at its admin socket (`level admin`).
    #[serde(rename = "haproxy")]
    HaProxy {
        /// `host:port`, or the path of a Unix socket.
        address: String,
        /// Backend that carries writes: exactly one of its two servers is ready.
        rw_backend: String,
        /// Backend that carries reads: the weights are the route.
        ro_backend: String,
        /// Server name of the source in both backends.
        source_server: String,
        /// Server name of the target in both backends.
        target_server: String,
    },
}

impl RouterConfig {
    /// A name for people: what it is and where.
    pub fn label(&self) -> String {
        match self {
            RouterConfig::PgBouncer { host, port, .. } => format!("PgBouncer {host}:{port}"),
            RouterConfig::HaProxy { address, .. } => format!("HAProxy {address}"),
        }
    }

    /// The keyring entry that holds this router's password, where it needs one.
    pub fn secret_name(&self) -> Option<String> {
        match self {
            RouterConfig::PgBouncer { host, port, user, .. } => Some(format!("pgbouncer {user}@{host}:{port}")),
            RouterConfig::HaProxy { .. } => None,
        }
    }
}

/// Where traffic goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Route {
    /// Percent of reads that go to the target, 0–100.
    pub reads_on_target: u8,
    /// The side that gets writes.
    pub writes: crate::Side,
}

impl Route {
    /// Everything on the source.
    pub const SOURCE: Route = Route { reads_on_target: 0, writes: crate::Side::Source };
}

impl std::fmt::Display for Route {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} % of reads on target, writes on {}", self.reads_on_target, self.writes)
    }
}
