//! Who uses a database: samples in, a report out. Pure.
//!
//! Owns what is kept of samples, how counters become rates, and the sentences about what could not be seen. It never says that
//! nobody uses a database: what was too short for a sample, or hidden from our role, is told as such.

mod counter;
mod facts;
mod meter;
mod report;
mod sample;
mod sampling;
mod statement;
mod tables;
#[cfg(test)]
mod tests;

pub use facts::{Facts, Statements};
pub use report::{Consumer, Figures, Mix, Report, ServerUse, Spread, TableUse, UserUse};
pub use sample::{Counters, Group, Kind, Look, Sample, StatementCount, TableCount, Who};
pub use sampling::Sampling;
pub use statement::{Class, class};
