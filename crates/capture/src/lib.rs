//! Statements of a live database, as they came: with their values, times and sessions.
//!
//! Owns what is taken from a log ([`take`]), the file in which it is kept ([`file`]), bringing it into an order in constant memory
//! ([`order`]), playing it again ([`play`]), what makes two answers differ ([`compare`]), and the load that is drawn from it ([`mix`]).
//! Of what the source answered meanwhile it owns what is kept ([`digest`], [`recorded`]), when a copy may answer otherwise
//! ([`doubt`]), and what came of asking it again ([`asked`]).
//!
//! Knows no database and no migration: statements go through [`play::Stage`], which the host hands in. It must never decide whom a
//! replay may hit; that is asked before it begins.

#![warn(missing_docs)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic))]

pub mod asked;
pub mod compare;
pub mod digest;
pub mod doubt;
mod figures;
pub mod file;
pub mod fit;
pub mod mix;
pub mod order;
pub mod play;
pub mod record;
pub mod recorded;
pub mod survey;
pub mod take;

pub use figures::{ShapeFigures, Tally};
pub use record::{Captured, Head};
