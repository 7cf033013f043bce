//! The one list of commands and events. Window, command line and board are hosts over it.
//!
//! Owns what goes over the bridge (`dto`), the table of commands, and the events. Validates every input. It must hold no
//! rule of its own: rules live in `switchyard-model`, acts in `switchyard-engine`.

#![warn(missing_docs)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic))]

mod commands;
pub mod dto;
mod typescript;
