//! Databases: one small trait per capability, adapters in folders with mirrored file names.
//!
//! Owns every statement that is sent to a source or target, except those that set replication up
//! ([`crate::replicate`]). Knows nothing of routers, the journal or the store.

pub mod connect;
pub mod consumers;
pub mod drills;
pub mod feed;
pub mod follow;
pub mod headroom;
pub mod load;
pub mod postgres;
pub mod probes;
pub mod repairs;
pub mod rows;
pub mod schema;
pub mod sources;
pub mod statements;
pub mod synchronous;
pub mod transactions;

use async_trait::async_trait;
use switchyard_model::{
    Side, UnixMs,
    drift::Shapes,
    hold::Standing,
    ident::TableName,
    inventory::{Inventory, Sequence, ServerFacts},
    journal::Action,
};

use crate::error::Result;

/// Reads what a database holds.
#[async_trait]
pub trait Catalog: Send + Sync {
    /// Everything the preflight and the plan look at.
    async fn inventory(&self, now: UnixMs) -> Result<Inventory>;
    /// The server's word about itself alone; cheap, called every few seconds.
    async fn server(&self) -> Result<ServerFacts>;
    /// What each table looks like to a stream.
    async fn shapes(&self) -> Result<Shapes>;
    /// A text that is another one after anything was altered in the catalogs that [`Catalog::shapes`] reads; cheap, called
    /// every few seconds.
    async fn shapes_mark(&self) -> Result<String>;
}

/// Beats: one row per direction in the `switchyard` schema.
#[async_trait]
pub trait Heartbeat: Send + Sync {
    /// Writes beat `n` of the stream that leaves `from`; returns once it is committed.
    async fn beat(&self, from: Side, n: i64) -> Result<()>;
    /// Newest beat of the stream that leaves `from`, as seen here; None before the first.
    async fn seen(&self, from: Side) -> Result<Option<i64>>;
}

/// What would stand in the way of the fence.
#[derive(Debug, Clone, PartialEq)]
pub struct Blocker {
    /// Backend.
    pub pid: i32,
    /// Application name.
    pub application: String,
    /// Client address.
    pub address: String,
    /// Age of its transaction, ms.
    pub age_ms: i64,
    /// What it does, the first 200 characters.
    pub query: String,
}

/// A client connection, as the server sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Session {
    /// Backend.
    pub pid: i32,
    /// Role.
    pub user: String,
    /// Application name.
    pub application: String,
    /// Client address and port; `local` for a socket.
    pub address: String,
}

/// Makes one side refuse writes.
#[async_trait]
pub trait Fence: Send + Sync {
    /// Statements that make our schema, tables, functions and the disabled triggers; idempotent.
    fn install_actions(&self, tables: &[TableName]) -> Vec<Action>;
    /// Runs them.
    async fn install(&self, tables: &[TableName]) -> Result<()>;
    /// Whether everything is installed.
    async fn is_installed(&self, tables: &[TableName]) -> Result<bool>;
    /// Tables whose rows would be neither carried nor fenced, because they have no trigger of ours: made after it was
    /// installed. Unlogged and temporary ones, and those of extensions, are none of our business.
    async fn uncovered(&self) -> Result<Vec<TableName>>;
    /// Opens what `raise` needs ahead of time, so that the write pause does not pay for a login; idempotent. Raising
    /// without it works, and takes longer by a login.
    async fn arm(&self) -> Result<()>;
    /// Statements that `raise` runs, for the preview.
    fn raise_actions(&self, order: &FenceOrder) -> Vec<Action>;
    /// Opens the transaction, gains the locks, enables the triggers, and closes this side's stream where writes move. Not
    /// committed.
    async fn raise(&self, order: &FenceOrder) -> Result<Box<dyn RaisedFence>>;
    /// How the triggers stand, committed, and why they refuse.
    ///
    /// # Errors
    /// `Contradiction` when only some refuse.
    async fn standing(&self, tables: &[TableName]) -> Result<Standing>;
    /// Whether this side refuses writes, for whatever reason.
    ///
    /// # Errors
    /// As [`Fence::standing`].
    async fn is_raised(&self, tables: &[TableName]) -> Result<bool> {
        Ok(self.standing(tables).await? != Standing::Down)
    }
    /// Whether this side refuses writes because they moved: the fence of a switch is committed.
    ///
    /// # Errors
    /// As [`Fence::standing`].
    async fn has_moved(&self, tables: &[TableName]) -> Result<bool> {
        Ok(self.standing(tables).await? == Standing::Moved)
    }
    /// Whether this side would do what is asked in this name; looks only.
    ///
    /// # Errors
    /// `Contradiction` when it would not.
    async fn heeds(&self, bidding: Bidding) -> Result<()>;
    /// Statements that `lower` runs.
    fn lower_actions(&self, tables: &[TableName], bidding: Bidding) -> Vec<Action>;
    /// Lets writes in again; idempotent.
    ///
    /// # Errors
    /// `Contradiction` when this side refuses writes because they moved since the bidding was given.
    async fn lower(&self, tables: &[TableName], bidding: Bidding) -> Result<()>;
    /// Statements that `remove` runs; read from the catalog, so that they name what is really there.
    async fn remove_actions(&self) -> Result<Vec<Action>>;
    /// Drops triggers, functions and our schema; idempotent.
    async fn remove(&self) -> Result<()>;
    /// Transactions older than `min_age_ms` that hold locks on these tables, longest first.
    async fn blockers(&self, tables: &[TableName], min_age_ms: i64) -> Result<Vec<Blocker>>;
    /// Client sessions of others in this database.
    async fn sessions(&self) -> Result<Vec<Session>>;
}

/// What to fence and what to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FenceOrder {
    /// Tables to lock and to put behind triggers: ordinary tables, partitioned roots and partitions.
    pub tables: Vec<TableName>,
    /// Why writes are refused.
    pub refusal: Refusal,
    /// How long to wait for the locks, ms.
    pub lock_timeout_ms: u32,
    /// After how long the server ends our transaction if we say nothing, ms.
    pub idle_timeout_ms: u32,
}

/// Why a side refuses writes, and what its writers are told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// They moved.
    Moved {
        /// Where to: the winner's endpoint name.
        to: String,
        /// The epoch.
        epoch: i64,
        /// Publication of this side's rows, which the same transaction closes.
        rows_publication: String,
    },
    /// They are held by agreement while this side keeps the authority; its stream stays open.
    Held {
        /// Where they will move: the target's endpoint name.
        to: String,
    },
}

/// In whose name a side is to accept writes again, or its stream to carry rows. A command that was sent long ago, by a process
/// that slept or over a network that held it back, must not undo what a later switch did; so the server itself refuses one
/// that is older than the fence that stands there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bidding {
    /// Of the switch that makes this epoch.
    Switch {
        /// The epoch.
        epoch: i64,
    },
    /// Of whoever ends a hold. No fence that says *moved* is older.
    Release,
}

/// A fence that stands as long as its connection, until it is committed.
#[async_trait]
pub trait RaisedFence: Send {
    /// Makes it permanent.
    async fn commit(self: Box<Self>) -> Result<()>;
    /// Takes it back. Dropping does the same, when the server notices.
    async fn roll_back(self: Box<Self>) -> Result<()>;
    /// Asks the server whether the transaction still stands.
    async fn still_stands(&mut self) -> Result<()>;
}

/// Reads and advances sequences.
#[async_trait]
pub trait Sequences: Send + Sync {
    /// All sequences outside system schemas and ours.
    async fn read(&self) -> Result<Vec<Sequence>>;
    /// Statements that `advance` would run.
    fn advance_actions(&self, from: &[Sequence], margin: u32) -> Vec<Action>;
    /// Moves each sequence here at least `margin` steps beyond the given value, within its bounds; never backwards.
    async fn advance(&self, from: &[Sequence], margin: u32) -> Result<u64>;
}

/// How far a stream is that somebody else set up: slots here, subscriptions there.
#[async_trait]
pub trait Positions: Send + Sync {
    /// The WAL position here, now.
    async fn now(&self) -> Result<String>;
    /// Slots from which enabled subscriptions here are fed.
    async fn subscribed(&self) -> Result<Vec<String>>;
    /// Whether one of these slots here has not confirmed the position yet; None when none of them is here.
    async fn behind(&self, slots: &[String], position: &str) -> Result<Option<bool>>;
}

/// Rows of whole tables.
#[async_trait]
pub trait Tables: Send + Sync {
    /// Those of the tables that hold at least one row.
    async fn non_empty(&self, tables: &[TableName]) -> Result<Vec<TableName>>;
    /// Truncates them, all in one statement.
    async fn empty(&self, tables: &[TableName]) -> Result<()>;
    /// Gathers planner statistics.
    async fn analyze(&self, table: &TableName) -> Result<()>;
}

/// One database, by capability. Absence of a capability would be visible in the type.
#[derive(Clone)]
pub struct Database {
    /// The endpoint's name, for messages and previews.
    pub label: String,
    /// Which side it is.
    pub side: Side,
    /// See [`Catalog`].
    pub catalog: std::sync::Arc<dyn Catalog>,
    /// See [`load::Loads`].
    pub loads: std::sync::Arc<dyn load::Loads>,
    /// See [`consumers::Consumers`].
    pub consumers: std::sync::Arc<dyn consumers::Consumers>,
    /// See [`schema::Schemas`].
    pub schemas: std::sync::Arc<dyn schema::Schemas>,
    /// See [`Heartbeat`].
    pub heartbeat: std::sync::Arc<dyn Heartbeat>,
    /// See [`Fence`].
    pub fence: std::sync::Arc<dyn Fence>,
    /// See [`Sequences`].
    pub sequences: std::sync::Arc<dyn Sequences>,
    /// See [`Positions`].
    pub positions: std::sync::Arc<dyn Positions>,
    /// See [`drills::Drills`].
    pub drills: std::sync::Arc<dyn drills::Drills>,
    /// See [`feed::Feeds`].
    pub feeds: std::sync::Arc<dyn feed::Feeds>,
    /// See [`rows::Rows`].
    pub rows: std::sync::Arc<dyn rows::Rows>,
    /// See [`repairs::Repairs`].
    pub repairs: std::sync::Arc<dyn repairs::Repairs>,
    /// See [`probes::Probes`].
    pub probes: std::sync::Arc<dyn probes::Probes>,
    /// See [`synchronous::Synchronous`].
    pub synchronous: std::sync::Arc<dyn synchronous::Synchronous>,
    /// See [`sources::Sources`].
    pub sources: std::sync::Arc<dyn sources::Sources>,
    /// See [`statements::Statements`].
    pub statements: std::sync::Arc<dyn statements::Statements>,
    /// See [`headroom::Headroom`].
    pub headroom: std::sync::Arc<dyn headroom::Headroom>,
    /// See [`transactions::Transactions`].
    pub transactions: std::sync::Arc<dyn transactions::Transactions>,
    /// See [`Tables`].
    pub tables: std::sync::Arc<dyn Tables>,
}
