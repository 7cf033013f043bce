//! Sagas: a command as a list of journaled steps with an undo, and the one loop that runs any of them.
//!
//! Owns the order "intent, act, result" and what happens when an act fails. It knows no step by name.

mod arrives;
mod book;
mod context;
mod driver;
pub mod failpoint;
mod step;
mod unwritten;

pub use arrives::Arrives;
pub use book::Book;
pub use context::{Cx, Pair, Progress, SwitchSession};
pub use driver::{Clients, Ended, finish, preview, run, undo_all};
pub use step::{Observed, Plan, PlannedStep, Step};
