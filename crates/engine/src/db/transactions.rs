//! Transactions that would delay the fence, and the end of one by somebody's explicit choice.

use async_trait::async_trait;
use switchyard_model::{ident::TableName, transactions::OpenTransaction};

use crate::error::Result;

/// One of them, with what tells it from every other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InTheWay {
    /// What is shown of it.
    pub shown: OpenTransaction,
    /// The server's own name of it, which every role may see.
    pub virtual_id: String,
    /// When its session and it itself began, µs of the server's clock; None where our role may not see that.
    pub began: Option<[i64; 2]>,
}

/// All of them, or the oldest of very many.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Obstacles {
    /// The oldest first, those of unknown age before them.
    pub listed: Vec<InTheWay>,
    /// Those beside them.
    pub more: u32,
}

/// What came of ending one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Its session is gone.
    Ended,
    /// The session was told to end, and had not within two seconds: it ends as soon as it can.
    Told,
    /// It had ended by itself before.
    WasOver,
}

/// See the module.
#[async_trait]
pub trait Transactions: Send + Sync {
    /// Transactions of others that are at least so old, and hold or wait for a lock on these tables that the fence would wait for.
    /// One whose age our role may not see may be any age.
    async fn in_the_way(&self, tables: &[TableName], min_age_ms: i64) -> Result<Obstacles>;
    /// Ends the session of this very transaction; never ours, and never another one that has got its process number.
    ///
    /// # Errors
    /// `Privilege` when our role may not, `Unsuitable` for what is no client's.
    async fn end(&self, which: &InTheWay) -> Result<Ending>;
}
