//! What a workload shall do.

use std::path::PathBuf;
use std::time::Duration;

use crate::rig::Rig;

/// How many clients, where they connect, and how fast they go.
#[derive(Debug, Clone)]
pub struct WorkloadConfig {
    /// Where writers connect, in turn.
    pub rw_urls: Vec<String>,
    /// Where readers connect, in turn.
    pub ro_urls: Vec<String>,
    /// How many clients write.
    pub writers: usize,
    /// How many clients read.
    pub readers: usize,
    /// Mean pause of a client between two acts; zero is as fast as possible.
    pub think: Duration,
    /// A file to which each acknowledged write is appended, `client number` a line.
    pub ledger_file: Option<PathBuf>,
}

impl WorkloadConfig {
    /// Eight writers and four readers at a moderate pace, through the rig's front.
    pub fn of(rig: &Rig) -> Self {
        Self {
            rw_urls: rig.rw_urls(),
            ro_urls: rig.ro_urls(),
            writers: 8,
            readers: 4,
            think: Duration::from_millis(20),
            ledger_file: None,
        }
    }
}
