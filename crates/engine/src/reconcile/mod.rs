//! Reconciliation of one pair: every differing row, with no false alarm while rows change.
//!
//! A pass walks through each table in slices that take less than a second. Both sides hash their rows and return sums; a
//! slice whose sums differ is narrowed to buckets of keys, then to keys; a key that differs is looked at again by the rule of
//! [`recheck`](mod@recheck). It reads only. Repairs are not its business, and it keeps no snapshot open.

mod describe;
mod hashes;
mod pace;
mod pairing;
mod pass;
mod pipeline;
mod recheck;
mod settle;
mod table;
mod walk;

use async_trait::async_trait;

use crate::error::Result;

pub use pace::Pace;
pub use pairing::{Matched, Pairing, pair};
pub use pass::{Outcome, Pass};
pub use recheck::ATTEMPTS;
pub use settle::Settle;

/// What carries changes from the side with the authority to the other.
#[async_trait]
pub trait Stream: Send + Sync {
    /// Returns once everything committed on the authority before this call is on the other side.
    async fn pass(&self) -> Result<()>;
}
