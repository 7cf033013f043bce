//! The settings a rig's servers start with.

use std::io::Write;
use std::path::Path;

use crate::HOST;
use crate::error::{Result, RigError};
use crate::quote::literal;
use crate::tls::Certificates;

/// Defaults of a rig's servers: enough slots and workers for several migrations at once, settings of a small server.
const SETTINGS: &[(&str, &str)] = &[
    ("listen_addresses", HOST),
    ("unix_socket_directories", ""),
    ("max_connections", "300"),
    ("shared_buffers", "128MB"),
    ("wal_level", "logical"),
    ("max_replication_slots", "20"),
    ("max_wal_senders", "20"),
    ("max_worker_processes", "20"),
    ("max_logical_replication_workers", "10"),
    ("max_sync_workers_per_subscription", "4"),
    ("max_wal_size", "2GB"),
    ("checkpoint_timeout", "15min"),
    // After an error the apply worker is started again this often; five seconds make every fault test slow.
    ("wal_retrieve_retry_interval", "1s"),
    ("password_encryption", "scram-sha-256"),
    ("timezone", "UTC"),
    ("log_timezone", "UTC"),
    ("log_line_prefix", "%m [%p] %q%u@%d/%a "),
    ("jit", "off"),
];

/// Appends the settings to `postgresql.conf`; of two lines the later one counts.
pub(crate) fn append(data: &Path, port: u16, tls: Option<&Certificates>, overrides: &[(String, String)]) -> Result<()> {
    let mut lines: Vec<(String, String)> = SETTINGS.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect();
    lines.push(("port".into(), port.to_string()));
    if let Some(tls) = tls {
        lines.push(("ssl".into(), "on".into()));
        lines.push(("ssl_cert_file".into(), tls.certificate.display().to_string()));
        lines.push(("ssl_key_file".into(), tls.key.display().to_string()));
    }
    lines.extend_from_slice(overrides);
    let text: String = lines.iter().map(|(k, v)| format!("{k} = {}\n", literal(v))).collect();
    let path = data.join("postgresql.conf");
    let doing = || RigError::io(format!("writing {}", path.display()));
    let mut file = std::fs::OpenOptions::new().append(true).open(&path).map_err(doing())?;
    file.write_all(text.as_bytes()).map_err(doing())
}
