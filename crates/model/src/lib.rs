//! Pure types and rules of Switchyard.
//!
//! Owns the words of the product (migration, pair, endpoint, authority, phase, check, gate, route, journal), what they
//! mean and how they follow from each other. It must never do I/O and never read a clock: whoever calls hands in the
//! time, so that every rule here can be tested to the millisecond and replayed years later.

#![warn(missing_docs)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic))]

pub mod application;
pub mod check;
pub mod command;
pub mod consumers;
pub mod drift;
pub mod drill;
pub mod dual_write;
pub mod endpoint;
pub mod figure;
pub mod gate;
pub mod headroom;
pub mod hold;
pub mod ident;
pub mod inventory;
pub mod journal;
pub mod lag;
pub mod limits;
pub mod machine;
pub mod migration;
pub mod phase;
pub mod plan;
pub mod preflight;
pub mod reads;
pub mod reconcile;
pub mod repair;
pub mod router;
pub mod schema;
pub mod side;
pub mod sources;
pub mod state;
pub mod switch;
pub mod time;
pub mod transactions;
pub mod validation;
pub mod verdict;

pub use command::Command;
pub use side::Side;
pub use verdict::Verdict;

/// Milliseconds since the Unix epoch, UTC. The only time stamp in the model; hosts render it in the operator's zone.
pub type UnixMs = i64;
