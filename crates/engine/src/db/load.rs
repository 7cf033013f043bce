//! What a server is asked before a plan is made: what it does, how many connections it has, and how fast rows travel.

use std::time::Duration;

use async_trait::async_trait;
use switchyard_model::{ident::TableName, plan::pools::Room};

use crate::error::Result;

/// What a server did while it was watched. Rates are of the current database, the log of the whole server.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Load {
    /// Rows inserted, updated and deleted per second.
    pub writes_per_s: f64,
    /// Transactions per second.
    pub transactions_per_s: f64,
    /// Bytes added to the log per second.
    pub wal_bytes_per_s: f64,
}

/// Heaps and indexes of everything that is copied.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Bytes {
    /// Tables that hold rows.
    pub tables: i64,
    /// Rows, as the planner estimates them.
    pub rows: i64,
    /// Heaps with their TOAST.
    pub heap: i64,
    /// Indexes.
    pub indexes: i64,
    /// The largest table that can be sampled, with its heap's bytes; None in an empty database.
    pub largest: Option<(TableName, i64)>,
}

/// Rows of one table as COPY writes them. They stay in memory, and are dropped with it.
pub struct Sample {
    /// Type of each column, as the other side knows it too: user-defined ones are texts here.
    pub types: Vec<String>,
    /// COPY's text format.
    pub data: Vec<Vec<u8>>,
    /// Rows in it.
    pub rows: u64,
    /// Bytes that these rows take in their heap.
    pub heap_bytes: f64,
    /// How long reading took, s.
    pub seconds: f64,
}

/// How fast a sample was taken in.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct TakenIn {
    /// How long writing took, s.
    pub copy_s: f64,
    /// How long an index over its first column took, s; 0 when there was nothing to index.
    pub index_s: f64,
    /// That index's bytes.
    pub index_bytes: i64,
}

/// Measures one side. Reads, but for [`Loads::take_in`], which takes back what it writes.
#[async_trait]
pub trait Loads: Send + Sync {
    /// Watches the server for so long.
    async fn load(&self, over: Duration) -> Result<Load>;
    /// Its connections.
    async fn room(&self) -> Result<Room>;
    /// Sizes outside system schemas and our own.
    async fn bytes(&self) -> Result<Bytes>;
    /// Reads some rows of a table whose heap has so many bytes, `most_bytes` of them or somewhat more.
    async fn sample(&self, table: &TableName, heap_bytes: i64, most_bytes: i64) -> Result<Sample>;
    /// Writes a sample into a table of its own, indexes it, and rolls everything back: nothing of it is ever seen by
    /// others, and it is gone however this ends.
    async fn take_in(&self, sample: &Sample) -> Result<TakenIn>;
}
