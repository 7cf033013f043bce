//! Feeds: the keys of rows that changed, as one side's log of changes tells them.
//!
//! Tells that a row changed, never what it is now. Knows nothing of what is done with it.

use std::collections::{HashMap, HashSet};

use async_trait::async_trait;
use switchyard_model::{ident::TableName, reconcile::Key};

use crate::error::Result;

/// A table on one side whose changes are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Followed {
    /// Its name here: of the table that holds the rows, so of a partition and not of its root.
    pub name: TableName,
    /// Its key's columns, in key order.
    pub key: Vec<String>,
    /// All its columns but generated ones, as they were when its rows were last compared: one whose columns are others by
    /// now was altered.
    pub columns: Vec<String>,
    /// The caller's number; several partitions may have the same.
    pub number: usize,
}

/// What changed since a feed was last asked.
#[derive(Debug, Default)]
pub struct Changes {
    /// Keys by the caller's numbers.
    pub keys: HashMap<usize, HashSet<Key>>,
    /// Tables of which more changed than keys can tell: truncated, altered, or changed beyond counting.
    pub whole: HashSet<usize>,
    /// Whether everything that had been committed when it was asked is in here; else there is more at once.
    pub caught_up: bool,
}

/// Opens feeds.
#[async_trait]
pub trait Feeds: Send + Sync {
    /// Those of the tables that a publication here carries, so that they can be followed.
    ///
    /// # Errors
    /// When the server does not answer.
    async fn published(&self, publication: &str) -> Result<Vec<TableName>>;

    /// Publishes those of the tables whose changes can be published without making their updates fail.
    ///
    /// # Errors
    /// When the role may not, or the publication exists.
    async fn publish(&self, publication: &str, tables: &[TableName]) -> Result<()>;

    /// Takes a publication away; one that is not there is fine.
    ///
    /// # Errors
    /// When the server does not answer.
    async fn unpublish(&self, publication: &str) -> Result<()>;

    /// Follows tables from now on. What is committed after this returns is told; what was before may be.
    ///
    /// # Errors
    /// `Deadline` while transactions go on that began before; no free slot, no permission, and so on, each in a sentence.
    async fn follow(&self, publication: &str, tables: Vec<Followed>) -> Result<Box<dyn Feed>>;
}

/// One feed. It keeps nothing on the server once it is dropped.
#[async_trait]
pub trait Feed: Send + Sync {
    /// What was committed since the last call; empty when nothing was.
    ///
    /// # Errors
    /// Any error ends the feed: what changed since then is not known.
    async fn next(&mut self) -> Result<Changes>;
    /// Lets the server forget it at once.
    async fn close(self: Box<Self>);
}
