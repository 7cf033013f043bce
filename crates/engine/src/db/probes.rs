//! Short reads that tell what an application's reads cost, and the server's own count of what failed.
//!
//! A probe reads one row by its key, on a connection of its own, in a transaction of its own. It takes no lock that a write
//! would wait for, and needs nothing but SELECT.

use std::time::Duration;

use async_trait::async_trait;
use switchyard_model::ident::TableName;

use crate::error::Result;

/// A table that may be probed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Readable {
    /// Which.
    pub table: TableName,
    /// Pages of its heap, as the planner knows them: to ask for its size would wait for whoever locks it.
    pub pages: i64,
    /// Whether our role may read it.
    pub may_read: bool,
    /// Columns of its primary key, or of the index that identifies its rows; empty without one.
    pub key: Vec<KeyColumn>,
}

/// A column of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyColumn {
    /// Its name.
    pub name: String,
    /// Its type, as SQL spells it.
    pub sql_type: String,
    /// The index's own equality, as SQL spells it: no `search_path` decides about it.
    pub equals: String,
}

/// Values of a key, as texts, in the order of its columns. A table without a key has an empty one: its first row is read.
pub type Key = Vec<String>;

/// How a probe ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The row was there.
    Found,
    /// It was not: deleted, or not arrived yet.
    Missing,
    /// The server refused, cut it off, or took longer than a probe may.
    Failed,
    /// The table, a column or the permission is gone: it has to be chosen anew.
    Changed,
}

/// Counters of one database since its statistics were reset. They only grow.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DatabaseCounts {
    /// Transactions that ended, ours among them.
    pub transactions: u64,
    /// Those that were rolled back.
    pub rollbacks: u64,
    /// Deadlocks; each rolls one back.
    pub deadlocks: u64,
    /// Sessions that a fatal error ended; 0 where the server does not count them.
    pub fatal: u64,
    /// Sessions that were terminated; 0 where the server does not count them.
    pub killed: u64,
}

/// Measures one side's reads.
#[async_trait]
pub trait Probes: Send + Sync {
    /// A connection for probes: no statement on it runs for long.
    async fn reader(&self) -> Result<Box<dyn Reader>>;
    /// What the server counts of this database.
    async fn counts(&self) -> Result<DatabaseCounts>;
}

/// One connection for probes. An error means that it is gone: drop it.
#[async_trait]
pub trait Reader: Send {
    /// Those of the tables that hold rows themselves, largest first.
    async fn readable(&mut self, tables: &[TableName]) -> Result<Vec<Readable>>;
    /// Keys of rows from random places; fewer where the table is small, none where it is empty or may not be read.
    async fn keys(&mut self, table: &Readable, most: u32) -> Result<Vec<Key>>;
    /// Reads one row: how it ended, and how long the round trip took.
    async fn read(&mut self, table: &Readable, key: &Key) -> Result<(Answer, Duration)>;
}
