//! Rows that differ are made equal, exactly, and nothing else is touched; on two real servers of different versions.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

#[path = "../postgres_server/mod.rs"]
mod postgres_server;

mod left_alone;
mod privileges;
mod shapes;
mod streaming;
mod twin;
mod types;
