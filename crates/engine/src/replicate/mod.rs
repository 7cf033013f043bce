//! Replicators: what carries changes. One file (or folder) per replicator.
//!
//! A migration has two streams: forward, which leaves the source, and reverse, which leaves the target. Each has two
//! publications on the side it leaves that are subscribed to: one with that direction's beat table, always open, and one
//! with all tables, whose `publish` option is its valve; and a third that reconciliation reads. Opening or closing the valve is one catalog row at an exact point of the WAL, whatever
//! the number of tables; see `docs/decisions/`.

pub mod native;

use async_trait::async_trait;
use switchyard_model::{Side, ident::TableName, journal::Action};

use crate::error::Result;

/// Progress of the initial copy.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CopyProgress {
    /// One per table in the stream, by name.
    pub tables: Vec<TableCopy>,
}

impl CopyProgress {
    /// Whether every table is copied and streams.
    pub fn is_done(&self) -> bool {
        !self.tables.is_empty() && self.tables.iter().all(|t| t.state == TableCopyState::Ready)
    }
}

/// One table's copy.
#[derive(Debug, Clone, PartialEq)]
pub struct TableCopy {
    /// The table.
    pub table: TableName,
    /// Where it stands.
    pub state: TableCopyState,
    /// Rows copied so far, from the server's own counter; None when it is not copying.
    pub rows_done: Option<i64>,
}

/// Where a table's copy stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableCopyState {
    /// Not begun.
    Waiting,
    /// Rows are being copied.
    Copying,
    /// Copied; catching up.
    CatchingUp,
    /// Streams.
    Ready,
}

/// A stream as both servers see it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StreamStatus {
    /// The slot exists on the side the stream leaves.
    pub slot_exists: bool,
    /// A walsender reads from it.
    pub slot_active: bool,
    /// `lost` or `unreserved` means that the server dropped WAL the stream needs.
    pub wal_status: String,
    /// Bytes between the server's position and what the other side confirmed.
    pub lag_bytes: i64,
    /// Bytes of WAL kept for it.
    pub retained_bytes: i64,
    /// The server's present WAL position in bytes, for the pace.
    pub wal_position: i64,
    /// `max_slot_wal_keep_size` in bytes, -1 unlimited.
    pub keep_limit_bytes: i64,
    /// The subscription exists and is enabled on the other side.
    pub subscription_enabled: bool,
    /// Its apply worker runs.
    pub worker_running: bool,
    /// Errors that its worker has had since it was made; None before PostgreSQL 15.
    pub apply_errors: Option<i64>,
    /// Whether the valve of the rows is open; None when the publication does not exist.
    pub rows_open: Option<bool>,
    /// Why the side that the stream goes to did not answer; its three fields then say nothing.
    pub unseen: Option<String>,
}

/// What carries changes between the two sides. Everything is idempotent.
#[async_trait]
pub trait Replicator: Send + Sync {
    /// Its name for people.
    fn name(&self) -> &'static str;
    /// Name of the publication of the rows, which the fence closes.
    fn rows_publication(&self) -> String;
    /// Name of the publication through which reconciliation reads which rows changed; no valve closes it.
    fn watch_publication(&self) -> String;
    /// Statements of `publish`.
    fn publish_actions(&self, from: Side, tables: &[TableName], open: bool) -> Vec<Action>;
    /// Makes all publications on the side the stream leaves; the rows' valve open or closed.
    async fn publish(&self, from: Side, tables: &[TableName], open: bool) -> Result<()>;
    /// Whether both publications exist and hold exactly these tables.
    async fn is_published(&self, from: Side, tables: &[TableName]) -> Result<bool>;
    /// Statements of `subscribe`; the password in the connection string masked.
    fn subscribe_actions(&self, from: Side, copy: bool) -> Vec<Action>;
    /// Makes slot and subscription and enables it; with `copy` the rows that exist are copied first.
    async fn subscribe(&self, from: Side, copy: bool) -> Result<()>;
    /// Whether the subscription exists and is enabled.
    async fn is_subscribed(&self, from: Side) -> Result<bool>;
    /// How far the initial copy is.
    async fn copy_progress(&self, from: Side) -> Result<CopyProgress>;
    /// Statements of `open_way_back`.
    fn way_back_actions(&self, from: Side, epoch: i64) -> Vec<Action>;
    /// Opens the valve in the name of the switch that makes this epoch.
    ///
    /// # Errors
    /// `Contradiction` when writes have moved from this side since: then the stream to it carries rows.
    async fn open_way_back(&self, from: Side, epoch: i64) -> Result<()>;
    /// Asks both servers.
    async fn status(&self, from: Side) -> Result<StreamStatus>;
    /// Drops subscription and slot of this stream and leaves its publications; works as `remove` does.
    async fn unsubscribe(&self, from: Side) -> Result<()>;
    /// Statements of `remove`, for what really exists.
    async fn remove_actions(&self, from: Side) -> Result<Vec<Action>>;
    /// Drops subscription, slot and publications of this stream; works when parts are gone, and when the other server is.
    async fn remove(&self, from: Side) -> Result<()>;
}
