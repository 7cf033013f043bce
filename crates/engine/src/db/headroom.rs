//! What is left on a server: connections, and the log that it keeps for slots of ours. It costs one statement that reads no table
//! of the application.

use async_trait::async_trait;
use switchyard_model::headroom::{Connections, WalStatus};

use crate::error::Result;

/// One look at one server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Room {
    /// Its connections.
    pub connections: Connections,
    /// Slots of ours on it.
    pub slots: Vec<KeptSlot>,
}

/// A slot of ours, as its server tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptSlot {
    /// Its name.
    pub name: String,
    /// The server's own word.
    pub status: WalStatus,
    /// Bytes of log kept for it.
    pub kept_bytes: i64,
    /// `max_slot_wal_keep_size` in bytes; None without a limit but the disk.
    pub limit_bytes: Option<i64>,
}

/// See the module.
#[async_trait]
pub trait Headroom: Send + Sync {
    /// Looks once; of the slots at those of these names, and at those by which changes are followed.
    async fn room(&self, slots: &[String]) -> Result<Room>;
}
