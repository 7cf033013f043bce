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
    /// Every problem in the fields, each a sentence; empty when it can be asked.
    pub fn problems(&self) -> Vec<String> {
        let label = self.label();
        let mut out = Vec::new();
        let named = match self {
            RouterConfig::PgBouncer { host, port, user, rw_database, ro_database } => {
                if *port == 0 {
                    out.push(format!("The port of {label} is 0: PgBouncer usually listens on 6432."));
                }
                vec![("host", host), ("user", user), ("writers' pool", rw_database), ("readers' pool", ro_database)]
            }
            RouterConfig::HaProxy { address, rw_backend, ro_backend, source_server, target_server } => {
                let is_tcp = address.rsplit_once(':').is_some_and(|(h, p)| !h.is_empty() && p.parse::<u16>().is_ok());
                if !is_tcp && !address.starts_with('/') {
                    out.push(format!(
                        "“{address}” is no address of HAProxy's admin socket: write host:port, or the path of a socket."
                    ));
                }
                if source_server == target_server {
                    out.push(format!(
                        "{label} cannot tell the sides apart: both servers are called “{source_server}”."
                    ));
                }
                vec![
                    ("writers' backend", rw_backend),
                    ("readers' backend", ro_backend),
                    ("source's server", source_server),
                    ("target's server", target_server),
                ]
            }
        };
        for (field, value) in named {
            if value.trim().is_empty() {
                out.push(format!("The {field} of {label} is empty: fill it in."));
            }
        }
        out
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    fn haproxy(address: &str, target: &str) -> RouterConfig {
        RouterConfig::HaProxy {
            address: address.into(),
            rw_backend: "rw".into(),
            ro_backend: "ro".into(),
            source_server: "source".into(),
            target_server: target.into(),
        }
    }

    #[test]
    fn addresses_are_looked_at_before_anybody_is_asked() {
        for good in ["lb:9999", "[::1]:9999", "/run/haproxy.sock"] {
            assert_eq!(haproxy(good, "target").problems(), Vec::<String>::new(), "{good}");
        }
        for bad in ["lb", ":9999", "lb:http", ""] {
            assert!(haproxy(bad, "target").problems()[0].contains("host:port"), "{bad:?} is no address");
        }
        assert!(haproxy("lb:1", "source").problems()[0].contains("both servers are called “source”"));
    }
}
