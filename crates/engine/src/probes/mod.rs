//! Probes: short reads on both sides at the same time, and counters that only grow.
//!
//! Owns which tables are read and when ([`Session`]), the window in which times become percentiles ([`Probed`]), and the one
//! in which counters become rates ([`Growth`]). It never writes, and judges nothing: that is the gates' business.

mod choice;
mod growth;
mod probed;
mod session;

pub use growth::Growth;
pub use probed::{Probed, Took};
pub use session::{ReadSide, Session};
