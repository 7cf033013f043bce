//! Reconciliation of one pair: every differing row, with no false alarm while rows change.
//!
//! A pass walks through each table in slices that take less than a second. Both sides hash their rows and return sums; a
//! slice whose sums differ is narrowed to buckets of keys, then to keys; a key that differs is looked at again by the rule of
//! [`recheck`](mod@recheck). It reads only, and keeps no snapshot open.
//! What it finds is mended by [`repair`].

mod buckets;
mod checkpoint;
mod describe;
mod follow;
mod hashes;
mod kept;
mod pace;
mod pages;
mod pairing;
mod pass;
mod pipeline;
mod recheck;
pub mod repair;
mod settle;
mod table;
mod tally;
mod walk;

use async_trait::async_trait;

use crate::error::Result;

pub use checkpoint::{Checkpoint, Place, WORTH_MS};
pub use follow::{Follow, Looking, Verified};
pub use kept::Kept;
pub use pace::Pace;
pub use pairing::{Matched, Pairing, pair};
pub use pass::{Outcome, Pass, Reports};
pub use recheck::ATTEMPTS;
pub use settle::Settle;
pub use table::Readers;
pub use tally::Findings;

/// What carries changes from the side with the authority to the other.
#[async_trait]
pub trait Stream: Send + Sync {
    /// Returns once everything committed on the authority before this call is on the other side.
    async fn pass(&self) -> Result<()>;
}
