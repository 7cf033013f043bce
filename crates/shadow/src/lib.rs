//! Reads of real traffic, run on both sides and compared.
//!
//! Owns which statements may be run again ([`read`]), how two results are compared while they arrive ([`compare`]), what a
//! difference is called ([`judge`]), when it is looked at again, and what was never compared ([`tally`]). Results are read as
//! texts, row beside row, in constant memory.
//!
//! Knows no database: both sides, and the stream between them, come through [`Side`], [`Lane`] and [`Passing`]. It never hands out
//! a statement that is not proven to be one plain SELECT. What it finds holds values, so it keeps that in memory alone.

#![warn(missing_docs)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic))]

pub mod answer;
pub mod compare;
pub mod judge;
mod pace;
mod question;
pub mod read;
mod run;
pub mod tally;
mod unmatched;

use std::collections::BTreeMap;

use async_trait::async_trait;
use tokio::sync::mpsc::Sender;

pub use answer::{Column, Failure, Piece, Row};
pub use judge::{Class, Judged};
pub use question::{Question, is_plain};
pub use read::Skip;
pub use run::{Shadow, run};
pub use tally::{Chosen, Finding, Report, Tally};

/// A statement of the traffic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// As the application sent it.
    pub text: String,
    /// Values of its parameters; empty where it has none, None where they are not all known.
    pub parameters: Option<Vec<Option<String>>>,
    /// Whose it is.
    pub user: String,
    /// Whether the text may have been cut.
    pub cut: bool,
}

/// How a text column is sorted and compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// By what it is sorted.
    pub sorts: String,
    /// By what its values are equal.
    pub equals: String,
}

/// What a catalog says of a statement that may be run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Allowed {
    /// Whether a view that it reads asks for the time, for the session, or for where rows lie.
    pub of_the_time: bool,
}

/// One side.
#[async_trait]
pub trait Side: Send + Sync {
    /// A session of its own.
    ///
    /// # Errors
    /// When none can be had.
    async fn open(&self) -> Result<Box<dyn Lane>, Failure>;
    /// Whether a statement of this shape, which calls these functions and reads these tables, may be run here, or why not.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    async fn allows(
        &self,
        user: &str,
        text: &str,
        functions: &[String],
        tables: &[String],
    ) -> Result<Result<Allowed, Skip>, Failure>;
    /// How the text columns of these tables are sorted and compared, by the column's name.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    async fn collations(&self, user: &str, tables: &[String]) -> Result<BTreeMap<String, Rules>, Failure>;
}

/// A session at one side.
#[async_trait]
pub trait Lane: Send {
    /// Runs a statement in a read-only transaction that is rolled back, and sends what comes as it comes. A receiver that is gone ends
    /// it early, which is no failure.
    ///
    /// # Errors
    /// When the statement failed; the session is good for another one unless the failure says otherwise.
    async fn run(&mut self, sample: &Sample, to: Sender<Piece>) -> Result<(), Failure>;
}

/// What carries changes from the source to the target.
#[async_trait]
pub trait Passing: Send + Sync {
    /// Returns once everything that was committed on the source before this call is on the target.
    ///
    /// # Errors
    /// A sentence when it does not come.
    async fn pass(&self) -> Result<(), String>;
}
