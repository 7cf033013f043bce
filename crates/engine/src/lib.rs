//! All I/O of Switchyard: databases, replicators, routers, tools, heartbeat, the switch, the store.
//!
//! Adapters (`db`, `replicate`, `route`, `tool`, `store`) never import each other. What a thing means is decided in
//! `switchyard-model`; here it is done.

#![warn(missing_docs)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic))]

pub mod clock;
pub mod conductor;
pub mod consumers;
pub mod cutover;
pub mod db;
pub mod drill;
pub mod error;
pub mod facts;
pub mod heartbeat;
pub mod import;
pub mod keychain;
pub mod measure;
pub mod phases;
pub mod probes;
pub mod prometheus;
pub mod reconcile;
pub mod replicate;
pub mod route;
pub mod saga;
pub mod secret;
pub mod store;
pub mod tool;
pub mod watchdog;
mod wire;

pub use error::{Error, Kind, Result};
