//! Inventories and differences of schemas, on real servers.
#![allow(clippy::unwrap_used, clippy::panic)]

mod bed;
mod cases;
mod dump;
mod extensions;
mod limited;
mod round_trip;
mod speed;
mod together;
