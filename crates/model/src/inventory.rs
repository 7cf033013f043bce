//! What one database holds and what its server allows: the facts the preflight judges.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{UnixMs, ident::TableName, preflight::particulars::Particulars};

/// One reading of one side.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Inventory {
    /// The server and our role on it.
    pub server: ServerFacts,
    /// Ordinary and partitioned tables and partitions, outside system schemas and our own.
    pub tables: Vec<Table>,
    /// Sequences, owned or not.
    pub sequences: Vec<Sequence>,
    /// Installed extensions.
    pub extensions: Vec<Extension>,
    /// Extensions that could be installed, by name; read on the target.
    pub available_extensions: Vec<String>,
    /// Number of large objects; logical replication does not carry them.
    pub large_objects: i64,
    /// What only the preflight looks at; readings of earlier versions don't have it.
    #[serde(default)]
    pub particulars: Particulars,
    /// When it was read.
    pub at: UnixMs,
}

impl Inventory {
    /// The tables that logical replication carries: ordinary tables and partitioned roots (their partitions with them).
    pub fn published_roots(&self) -> impl Iterator<Item = &Table> {
        self.tables.iter().filter(|t| t.partition_of.is_none() && t.kind != TableKind::Foreign)
    }

    /// The tables that hold rows themselves: ordinary tables and leaf partitions.
    pub fn leaves(&self) -> impl Iterator<Item = &Table> {
        self.tables.iter().filter(|t| t.kind == TableKind::Ordinary)
    }
}

/// What a server says about itself and about our role.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, TS)]
pub struct ServerFacts {
    /// `server_version_num`, for example 150020.
    pub version_num: i32,
    /// For people: `15.20`.
    pub version: String,
    /// Identifier of the cluster: equal on both sides means the same server.
    pub system_identifier: String,
    /// Current database.
    pub database: String,
    /// `wal_level`.
    pub wal_level: String,
    /// Whether this is a standby.
    pub in_recovery: bool,
    /// `max_replication_slots`.
    pub max_slots: i32,
    /// Slots in use.
    pub used_slots: i32,
    /// `max_wal_senders`.
    pub max_senders: i32,
    /// Senders running.
    pub used_senders: i32,
    /// `max_logical_replication_workers`.
    pub max_logical_workers: i32,
    /// Those of them that run now, for whatever database; readings of earlier versions don't have it.
    #[serde(default)]
    pub used_logical_workers: i32,
    /// `max_worker_processes`.
    pub max_workers: i32,
    /// `max_slot_wal_keep_size` in bytes; -1 is unlimited.
    pub max_slot_wal_keep_bytes: i64,
    /// `max_connections`.
    pub max_connections: i32,
    /// Client connections now.
    pub connections: i32,
    /// Server encoding.
    pub encoding: String,
    /// Default collation of the database.
    pub collation: String,
    /// Our role.
    pub role: String,
    /// Our role is a superuser.
    pub is_superuser: bool,
    /// Our role has REPLICATION.
    pub has_replication: bool,
    /// Our role may create in this database.
    pub can_create_in_database: bool,
    /// Our role may create subscriptions (superuser, or `pg_create_subscription` since 16).
    pub can_subscribe: bool,
    /// Tables in scope that our role does not own and so cannot publish, fence or lock; names for people.
    pub tables_not_owned: Vec<String>,
}

/// Kind of a relation that holds or routes rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum TableKind {
    /// Holds rows.
    Ordinary,
    /// Root or inner node of a partition tree.
    Partitioned,
    /// Rows are elsewhere.
    Foreign,
}

/// How UPDATE and DELETE name their row in the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ReplicaIdentity {
    /// The primary key, where there is one.
    Default,
    /// The whole row.
    Full,
    /// A unique index.
    Index,
    /// Nothing.
    Nothing,
}

/// One table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Table {
    /// Its name.
    pub name: TableName,
    /// Its kind.
    pub kind: TableKind,
    /// The root or inner node it is a partition of.
    pub partition_of: Option<TableName>,
    /// UNLOGGED: its rows are in no WAL.
    pub unlogged: bool,
    /// Columns in order, without dropped ones.
    pub columns: Vec<Column>,
    /// Columns of the primary key in key order; empty when there is none.
    pub primary_key: Vec<String>,
    /// Replica identity.
    pub replica_identity: ReplicaIdentity,
    /// The planner's estimate; -1 when never analysed.
    pub estimated_rows: i64,
    /// Heap, indexes and TOAST, bytes.
    pub bytes: i64,
}

impl Table {
    /// Whether UPDATE and DELETE on it can be published.
    pub fn can_publish_changes(&self) -> bool {
        match self.replica_identity {
            ReplicaIdentity::Default => !self.primary_key.is_empty(),
            ReplicaIdentity::Full | ReplicaIdentity::Index => true,
            ReplicaIdentity::Nothing => false,
        }
    }
}

/// One column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// `format_type`, for example `numeric(12,2)`.
    pub sql_type: String,
    /// Base type's internal name after domains, for example `int8`; decides how it is digested.
    pub base_type: String,
    /// NOT NULL.
    pub not_null: bool,
    /// GENERATED ALWAYS AS … STORED.
    pub generated: bool,
}

/// One sequence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Sequence {
    /// Its name.
    pub name: TableName,
    /// Negative for descending sequences.
    pub increment: i64,
    /// Last value given out; None when it was never used.
    pub last_value: Option<i64>,
}

/// One installed extension.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Extension {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}
