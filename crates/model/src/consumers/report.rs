//! What a sampling comes to.

use serde::Serialize;

/// Now, at most, and on average over all samples.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Spread {
    /// In the last sample.
    pub now: i64,
    /// In any one.
    pub peak: i64,
    /// Over all.
    pub mean: f64,
}

/// A rate, per second.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Figures {
    /// Of the busiest second.
    pub peak: f64,
    /// Over all.
    pub mean: f64,
}

/// One that connects.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Consumer {
    /// What it calls itself; may be empty.
    pub application: String,
    /// Role.
    pub user: String,
    /// Where from; `local` for a socket, null when our role may not see it. Behind a pooler it is the pooler's.
    pub address: Option<String>,
    /// Its connections.
    pub connections: Spread,
    /// Sessions that were seen: those of the first sample, and those that began later.
    pub sessions: i64,
    /// At most so many executed something at once.
    pub active_peak: i64,
    /// At most so many were idle in a transaction at once.
    pub idle_in_transaction_peak: i64,
    /// The longest such wait, s.
    pub idle_in_transaction_s: f64,
    /// The longest transaction, s.
    pub transaction_s: f64,
    /// At most so many waited for a lock at once.
    pub waiting_peak: i64,
    /// Samples in which one waited for a lock.
    pub waiting_samples: u32,
    /// Samples in which it was there.
    pub seen: u32,
    /// Of so many.
    pub of: u32,
    /// First seen, s after the beginning.
    pub first_s: f64,
    /// Last seen, s after the beginning.
    pub last_s: f64,
}

/// What a table was used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mix {
    /// It was read only.
    Reads,
    /// It was written to, and no scan was needed for it.
    Writes,
    /// Both; an UPDATE by key is a scan and a write.
    Both,
}

/// One table that was used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TableUse {
    /// `schema.table`, with quotes where they are needed.
    pub table: String,
    /// Sequential and index scans.
    pub scans: i64,
    /// Rows inserted.
    pub inserted: i64,
    /// Rows updated.
    pub updated: i64,
    /// Rows deleted.
    pub deleted: i64,
    /// What it comes to.
    pub mix: Mix,
}

impl TableUse {
    /// Rows inserted, updated and deleted.
    pub fn written(&self) -> i64 {
        self.inserted + self.updated + self.deleted
    }
}

/// What a role's statements did, by their first words.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct UserUse {
    /// Role.
    pub user: String,
    /// Statements.
    pub calls: i64,
    /// Rows that they returned or changed.
    pub rows: i64,
    /// Time they took, ms.
    pub time_ms: f64,
    /// Of them SELECT, TABLE and VALUES.
    pub reads: i64,
    /// INSERT, UPDATE, DELETE, MERGE and TRUNCATE.
    pub writes: i64,
    /// What may be either: WITH, COPY, CALL, DO and others.
    pub unclear: i64,
    /// Transactions, settings, definitions.
    pub other: i64,
    /// Whose text our role may not see.
    pub hidden: i64,
}

/// The server as a whole; transactions and statements are of the one database.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct ServerUse {
    /// `max_connections`.
    pub max_connections: i64,
    /// Of it reserved for superusers and the like.
    pub reserved: i64,
    /// Clients of all databases, without ours.
    pub connections: Spread,
    /// Transactions per second.
    pub transactions_per_s: Option<Figures>,
    /// Statements per second; null without pg_stat_statements.
    pub statements_per_s: Option<Figures>,
    /// Bytes of WAL per second; on a standby those that it replayed.
    pub wal_bytes_per_s: Option<Figures>,
}

/// The whole.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Looks that were made.
    pub samples: u32,
    /// Looks that were due and could not be made.
    pub missed: u32,
    /// From the first look to the last, s.
    pub seconds: f64,
    /// Who connects, who was there longest first.
    pub consumers: Vec<Consumer>,
    /// Background workers in this database: subscriptions, jobs of pg_cron.
    pub workers: Vec<Consumer>,
    /// Who is sent WAL: standbys, subscribers, backups.
    pub senders: Vec<Consumer>,
    /// Tables that were used, the busiest first.
    pub tables: Vec<TableUse>,
    /// How many others there are.
    pub idle_tables: usize,
    /// What roles ran, who ran most first; null without pg_stat_statements.
    pub users: Option<Vec<UserUse>>,
    /// The server.
    pub server: ServerUse,
    /// What to know about how it was looked.
    pub notes: Vec<String>,
    /// What could not be seen.
    pub unseen: Vec<String>,
}

/// Two digits after the point are all that a sample is worth.
pub(super) fn round(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}
