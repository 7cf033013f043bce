//! What one look at a server saw.

use serde::Deserialize;

use super::Class;

/// Who connects. Two processes that agree in all three are one consumer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub struct Who {
    /// What it calls itself; may be empty.
    pub application: String,
    /// Role.
    pub user: String,
    /// Where from: an address, or `local` for a socket. None when our role may not see it.
    pub address: Option<String>,
}

/// What kind of process serves it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A client's connection.
    Client,
    /// A background worker of the server in this database: a subscription, a job of pg_cron.
    Worker,
    /// It is sent WAL: a standby, a subscriber, a backup.
    Sender,
}

/// The connections of one consumer at one moment.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Group {
    /// Whose they are.
    #[serde(flatten)]
    pub who: Who,
    /// What they are.
    pub kind: Kind,
    /// How many.
    pub connections: i64,
    /// Of it begun since the look before.
    pub arrived: i64,
    /// Of it executing something.
    pub active: i64,
    /// Of it idle in an open transaction.
    pub idle_in_transaction: i64,
    /// The longest of these waits, s.
    pub idle_in_transaction_s: f64,
    /// Age of their oldest transaction, s.
    pub transaction_s: f64,
    /// Of it waiting for a lock.
    pub waiting: i64,
    /// Of it with a state that is not told: hidden from our role, or not tracked.
    pub hidden: i64,
}

/// Numbers of the server and the database at one moment.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct Counters {
    /// The server's clock, s since the Unix epoch.
    pub now: f64,
    /// When the server was started, the same.
    pub started: f64,
    /// When the database's statistics were last reset; None for never.
    pub reset: Option<f64>,
    /// Clients of all databases, ours left out.
    pub connections: i64,
    /// Sessions of Switchyard in this database that were left out, this look's own among them.
    pub left_out: i64,
    /// Of those begun since the look before.
    pub left_out_arrived: i64,
    /// Transactions of this database ever, ended either way.
    pub transactions: f64,
    /// Sessions of this database ever.
    pub sessions: f64,
    /// Position in the WAL, bytes.
    pub wal: Option<f64>,
    /// Statements of this database ever, as far as they are still remembered.
    pub statements: Option<f64>,
    /// Entries of statements that were forgotten to make room.
    pub forgotten: Option<f64>,
    /// What looking itself added to the transactions since the look before.
    #[serde(default)]
    pub own_transactions: f64,
    /// And to the statements.
    #[serde(default)]
    pub own_statements: f64,
}

/// What one look asks the server: everything but tables and statements is in each.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Look {
    /// By consumer.
    pub groups: Vec<Group>,
    /// The rest.
    pub counters: Counters,
}

/// Counters of one table.
#[derive(Debug, Clone, PartialEq)]
pub struct TableCount {
    /// Tells a table from one of the same name that was made after it was dropped.
    pub oid: i64,
    /// Schema and name.
    pub name: crate::ident::TableName,
    /// Sequential and index scans.
    pub scans: f64,
    /// Rows inserted.
    pub inserted: f64,
    /// Rows updated.
    pub updated: f64,
    /// Rows deleted.
    pub deleted: f64,
}

/// Counters of one remembered statement.
#[derive(Debug, Clone, PartialEq)]
pub struct StatementCount {
    /// Role that ran it.
    pub user: String,
    /// The server's number for it; None when our role may not see which one it is, and then this is a sum over several.
    pub id: Option<i64>,
    /// Sent by a client, rather than from within a function.
    pub top: bool,
    /// What it does.
    pub class: Class,
    /// How often it ran.
    pub calls: f64,
    /// Rows that it returned or changed.
    pub rows: f64,
    /// Time it took, ms.
    pub ms: f64,
}

/// One look, and when it was made.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Since the sampling began, s.
    pub at_s: f64,
    /// What was in use.
    pub look: Look,
    /// Tables, where they were looked at this time.
    pub tables: Option<Vec<TableCount>>,
    /// Statements, where they were looked at this time.
    pub statements: Option<Vec<StatementCount>>,
}
