//! Exact findings of one pass, on real servers of equal and of different versions: every kind of corruption, every kind of
//! key, servers that hash differently, and tables that change or break under the pass.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

#[path = "../postgres_server/mod.rs"]
mod postgres_server;
#[path = "../reconcile_pair/mod.rs"]
mod reconcile_pair;

mod faults;
mod hashes;
mod keys;
mod kinds;
mod shapes;
