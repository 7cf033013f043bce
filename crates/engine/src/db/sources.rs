//! Where facts about queries come from on a server, beside its statements and its log: looks that cost next to nothing.

use async_trait::async_trait;
use switchyard_model::sources::Reading;

use crate::error::Result;

/// What a source gave.
#[derive(Debug, Clone, PartialEq)]
pub enum Look {
    /// It answers.
    Seen {
        /// What it says.
        reading: Reading,
        /// Why that is not all, and what mends it, in a sentence each; None where it is all.
        lacks: Option<(String, String)>,
    },
    /// It gives nothing: why, and what mends it, in a sentence each.
    Refused(String, String),
}

/// Sources of one database. Reads only, and needs no privilege: what a role may not see is said.
#[async_trait]
pub trait Sources: Send + Sync {
    /// Sessions as they are now.
    async fn activity(&self) -> Result<Look>;
    /// The counters of this database.
    async fn counters(&self) -> Result<Look>;
}
