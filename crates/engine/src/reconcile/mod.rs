//! Validation of one pair: counts and digests on both sides at once, with no false alarm while rows change.
//!
//! A table whose digests differ is narrowed to buckets of keys, then to keys. A key that differs is looked at again by the
//! rule of [`recheck`]: only what stays different after the stream has passed, with its source row unchanged meanwhile, is
//! a difference. What keeps changing is hot, and said to be unproven. It reads only; repairs are not its business.

mod recheck;
mod table;

use std::time::Duration;

use async_trait::async_trait;
use switchyard_model::inventory::Table;

use crate::{db::KeyDigest, error::Result};

pub use recheck::recheck;
pub use table::compare;

/// How often a key is looked at before it is called hot.
pub const ATTEMPTS: u32 = 12;

/// More differing keys than this are counted, not rechecked one by one.
pub const MOST_KEYS: usize = 200_000;

/// What rechecking needs: the side with the authority, the other side, and a way to wait for the stream between them.
#[async_trait]
pub trait Sides: Send + Sync {
    /// The keys as they are on the side with the authority.
    async fn authority(&self, table: &Table, keys: &[i64]) -> Result<Vec<KeyDigest>>;
    /// The keys as they are on the other side.
    async fn other(&self, table: &Table, keys: &[i64]) -> Result<Vec<KeyDigest>>;
    /// Returns once everything committed on the authority before this call is on the other side.
    async fn pass(&self) -> Result<()>;
    /// A pause between attempts.
    async fn pause(&self, attempt: u32) {
        tokio::time::sleep(Duration::from_millis(u64::from(attempt.min(10)) * 20)).await;
    }
}
