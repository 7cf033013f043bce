//! Open transactions that would delay the fence: who holds or waits for locks on the tables in scope.
//!
//! Of what a session runs only its kind is known here, never its text: that may hold values of rows.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{Side, UnixMs};

/// For how long a look counts, ms; it is looked every two seconds.
pub const COUNTS_MS: i64 = 10_000;

/// What a transaction belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum TransactionOf {
    /// A client's session.
    Client,
    /// A process of the server's own, such as one that applies another stream.
    Server,
    /// Nobody's session: it was prepared, and stands until it is committed or rolled back by name.
    Prepared,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct OpenTransaction {
    /// By which it is ended: process and a mark of this very transaction; None where it can't be ended from here.
    pub id: Option<String>,
    /// What it belongs to.
    pub of: TransactionOf,
    /// Process of the server; 0 for a prepared one.
    pub pid: i32,
    /// Application name; of a prepared one its identifier.
    pub application: String,
    /// Role.
    pub user: String,
    /// Client address and port; `local` for a socket.
    pub address: String,
    /// Age, ms; where our role may not see it, for how long it has been seen. None at the first sight of such a one.
    pub age_ms: Option<i64>,
    /// `idle in transaction`, `active`; empty where it may not be seen.
    pub state: String,
    /// Kind of its newest statement, `UPDATE`; empty where that is no word of SQL, or may not be seen.
    pub statement: String,
    /// What it waits for, `Lock: transactionid`; None while it waits for nothing.
    pub waits_for: Option<String>,
    /// The first table in scope that it has locked or wants to.
    pub table: String,
    /// How many of them.
    pub tables: u32,
    /// It has not got its lock yet: the fence would queue behind it.
    pub queued: bool,
}

impl OpenTransaction {
    /// `process 4711 of “report” at 10.0.0.1:5022, open for 2:10, idle in transaction, on public.orders`.
    pub fn sentence(&self) -> String {
        let who = match self.of {
            TransactionOf::Client => format!("process {} of “{}” at {}", self.pid, self.application, self.address),
            TransactionOf::Server => format!("process {} of the server itself", self.pid),
            TransactionOf::Prepared => format!("prepared transaction “{}”", self.application),
        };
        let age = self.age_ms.map_or_else(
            || "open for nobody knows how long".to_owned(),
            |ms| format!("open for {}", crate::gate::duration(ms / 1000)),
        );
        let doing = match (self.queued, self.state.is_empty()) {
            (true, _) => ", waiting for its lock",
            (false, true) => "",
            (false, false) => &format!(", {}", self.state),
        };
        format!("{who}, {age}{doing}, on {}", self.table)
    }
}

/// What was seen on the side that would be fenced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransactionFacts {
    /// When.
    pub at: UnixMs,
    /// The side.
    pub side: Side,
    /// The oldest first; not all of very many.
    pub open: Vec<OpenTransaction>,
    /// Those beside them.
    pub more: u32,
}
