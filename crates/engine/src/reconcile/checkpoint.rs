//! How far the comparison of one table has come: enough for another process to go on from there and reach the same verdict.
//!
//! Owns what a checkpoint holds, when one is due, and when an old one may be used. It never says that anything is equal: a
//! verdict reached from a checkpoint is as old as the beginning of the comparison that left it.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Mutex, PoisonError},
    time::Instant,
};

use serde::{Deserialize, Serialize};
use switchyard_model::{Side, UnixMs, ident::TableName};

use super::{pages::PagesRead, pairing::Matched, tally::Findings, walk::Walker};
use crate::{clock::SharedClock, error::Result};

/// A comparison that was cut off is gone on with for so long after it began, ms; then its beginning is too old to count.
pub const WORTH_MS: i64 = 24 * 3_600_000;

/// Keeping checkpoints takes at most one part in this many of the time.
const SHARE: u32 = 50;

/// What was compared of one table, all rows that differ in it told.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Checkpoint {
    /// The table, by the source's name.
    pub table: TableName,
    /// What was compared of it and how; another shape makes it worthless.
    pub shape: String,
    /// When the comparison began; the oldest row it looked at was read then.
    pub began: UnixMs,
    /// When this was reached.
    pub at: UnixMs,
    /// Rows that stayed different so far.
    pub found: i64,
    /// Keys of rows that never rested.
    pub hot: Vec<Vec<(String, String)>>,
    /// Rows that were equal after all.
    pub in_flight: i64,
    /// Where it is.
    pub place: Place,
}

/// Where a comparison is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Place {
    /// Everything before the walk's next slice is compared.
    Slices {
        /// The walk.
        walker: Walker,
        /// Rows read of the source.
        rows_source: i64,
        /// Rows read of the target.
        rows_target: i64,
    },
    /// Each side is added up so far by itself; nothing is compared yet.
    Pages {
        /// 2ⁿ−1: the buckets that both are added up in.
        mask: i64,
        /// Source and target.
        sides: Box<[PagesRead; 2]>,
    },
}

impl Checkpoint {
    pub(super) fn told(&self) -> Told {
        Told { found: self.found, hot: self.hot.clone(), in_flight: self.in_flight }
    }

    /// Rows read so far, both sides together.
    pub fn rows(&self) -> i64 {
        match &self.place {
            Place::Slices { rows_source, rows_target, .. } => rows_source + rows_target,
            Place::Pages { sides, .. } => sides.iter().map(|s| s.rows).sum(),
        }
    }
}

/// What a table is compared as: names, columns, types and how they are hashed, on both sides, and whose rows count. Of this
/// version of ours, since another may hash otherwise.
pub(super) fn shape(matched: &Matched, authority: Side) -> String {
    let mut hasher = DefaultHasher::new();
    format!("{authority} {:?} {:?} {}", matched.source, matched.target, matched.indexed).hash(&mut hasher);
    format!("{} {:016x}", env!("CARGO_PKG_VERSION"), hasher.finish())
}

/// Says when a checkpoint is due, and hands it on.
pub(super) struct Checkpoints<'a> {
    findings: &'a dyn Findings,
    matched: &'a Matched,
    authority: Side,
    clock: &'a SharedClock,
    began: UnixMs,
    next: Mutex<Instant>,
}

/// What a comparison has told so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Told {
    pub(super) found: i64,
    pub(super) hot: Vec<Vec<(String, String)>>,
    pub(super) in_flight: i64,
}

impl<'a> Checkpoints<'a> {
    /// Of a comparison that began at `began`, maybe in an earlier process.
    pub(super) fn new(
        findings: &'a dyn Findings,
        matched: &'a Matched,
        authority: Side,
        clock: &'a SharedClock,
        began: UnixMs,
    ) -> Self {
        let next = Mutex::new(clock.instant() + findings.every());
        Checkpoints { findings, matched, authority, clock, began, next }
    }

    /// Whether it is time for one.
    pub(super) fn due(&self) -> bool {
        self.clock.instant() >= *self.next.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps where it is.
    pub(super) async fn reached(&self, place: Place, told: &Told) -> Result<()> {
        let began = self.clock.instant();
        let checkpoint = Checkpoint {
            table: self.matched.source.name.clone(),
            shape: shape(self.matched, self.authority),
            began: self.began,
            at: self.clock.now(),
            found: told.found,
            hot: told.hot.clone(),
            in_flight: told.in_flight,
            place,
        };
        self.findings.reached(checkpoint).await?;
        let now = self.clock.instant();
        let every = self.findings.every();
        let wait = if every.is_zero() { every } else { every.max(now.duration_since(began) * SHARE) };
        *self.next.lock().unwrap_or_else(PoisonError::into_inner) = now + wait;
        Ok(())
    }
}
