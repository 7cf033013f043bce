//! Looks at who uses a database.

use async_trait::async_trait;
use switchyard_model::consumers::{Facts, Look, StatementCount, TableCount};

use crate::error::Result;

/// Whether a look counts tables and statements too, which costs more the more there are of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// It does not.
    Lean,
    /// Only when it costs the server little beside the time since it was done last.
    WhenCheap,
    /// Now.
    Full,
}

/// What one look saw.
#[derive(Debug, Clone, PartialEq)]
pub struct Looked {
    /// Connections and the server's counters.
    pub look: Look,
    /// Tables, where they were counted.
    pub tables: Option<Vec<TableCount>>,
    /// Statements, where they were counted.
    pub statements: Option<Vec<StatementCount>>,
}

/// Opens sessions that look.
#[async_trait]
pub trait Consumers: Send + Sync {
    /// A session of its own, for looking again and again.
    ///
    /// # Errors
    /// When the server cannot be reached, or is too old.
    async fn watcher(&self) -> Result<Box<dyn Watcher>>;
}

/// One session that looks. Between two looks it holds no transaction and no snapshot. Reads only.
#[async_trait]
pub trait Watcher: Send {
    /// What is known of the server; may change with a look that was refused something.
    fn facts(&self) -> &Facts;
    /// Looks once; `since` is the server's time of the look before, by which new sessions are told, 0 for the first one. The first
    /// look of a session is full.
    ///
    /// # Errors
    /// When the session is lost or the look takes too long; then it must not be used any more.
    async fn look(&mut self, since: f64, depth: Depth) -> Result<Looked>;
}
