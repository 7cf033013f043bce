//! Load that does not wait for answers.
//!
//! Owns scripts and their expressions, the schedule of intended starts, the sessions that carry them out, and what is measured.
//! Latency counts from the intended start: a server that stands still for a second makes everybody late who should have begun in
//! that second, and a generator that waits for answers before it sends the next would not see them (coordinated omission).
//!
//! Knows no database and no migration: statements go through [`Sessions`], which the host hands in. It must never decide whom load
//! may hit; that is asked before it begins.

#![warn(missing_docs)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic))]

mod alarm;
mod figures;
mod pace;
mod ramp;
mod run;
pub mod script;

use async_trait::async_trait;

pub use figures::{Figures, Spread};
pub use ramp::{Knee, Ramp, climb};
pub use run::{Bounds, Hold, Second, Stopped, hold};
pub use script::{Mix, Script};

/// Opens sessions at whatever load is for.
#[async_trait]
pub trait Sessions: Send + Sync {
    /// A new session.
    ///
    /// # Errors
    /// When none can be had.
    async fn open(&self) -> Result<Box<dyn Session>, Trouble>;
}

/// One session.
#[async_trait]
pub trait Session: Send {
    /// Runs one statement and reads its answer to the end.
    ///
    /// # Errors
    /// When the statement failed.
    async fn run(&mut self, statement: &str) -> Result<(), Trouble>;
    /// The same with values for its parameters, whose types the server knows.
    ///
    /// # Errors
    /// When the statement failed, or the host has no values.
    async fn run_given(&mut self, statement: &str, values: &[Option<String>]) -> Result<(), Trouble> {
        if values.is_empty() {
            return self.run(statement).await;
        }
        let sentence = "Statements with values cannot be run here.".to_owned();
        Err(Trouble { class: "script".to_owned(), sentence, broken: false })
    }
}

/// A statement or a login that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// What it is counted under: an SQLSTATE, or "connection".
    pub class: String,
    /// In a sentence.
    pub sentence: String,
    /// Whether the session is of no use any more.
    pub broken: bool,
}
