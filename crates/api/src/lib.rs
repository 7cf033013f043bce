//! The one list of commands and events. Window, command line and board are hosts over it.
//!
//! Owns what goes over the bridge (`dto`), the table of commands, and the events. Validates every input. It must hold no
//! rule of its own: rules live in `switchyard-model`, acts in `switchyard-engine`.

#![warn(missing_docs)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic))]

pub mod capture;
mod charts;
pub mod cockpit;
mod commands;
mod consistency;
pub mod drills;
pub mod dto;
mod dual_write;
mod endpoints;
mod errors;
pub mod export;
pub mod guard;
mod host;
pub mod load;
mod metrics;
mod migrations;
pub mod plan;
pub mod preflight;
mod previews;
pub mod queries;
mod reading;
mod rehearse;
pub mod repair;
pub mod replay;
mod resume;
pub mod schema;
pub mod sentry;
pub mod shadow;
pub mod spill;
mod transactions;
mod typescript;
pub mod verify;
pub mod watch;

pub use commands::{export_types, table};
pub use host::{Options, Switchyard};
pub use switchyard_engine::error::words as io_words;
pub use switchyard_engine::reconcile::Pace;
