//! The cutover as one machine: two databases, a router, the journal, and the processes that drive them.
//!
//! Owns the list of steps with what each does to the world ([`Effect`], [`Program`]), which the engine builds its plans
//! from, and an abstract world in which these steps, their undo, recovery and every fault can be tried in any order
//! ([`Machine`]). It must never know a database, a router or a clock: time is here that anything may happen between any
//! two moves. `crates/model/tests/machine.rs` explores all of it; what is left out is told in
//! `docs/decisions/0021-the-machine-is-explored.md`.

mod acts;
mod asked;
mod drive;
mod effect;
mod faults;
mod journal;
mod laws;
mod looks;
mod moves;
mod rest;
mod rules;
mod world;

pub use asked::Ask;
pub use drive::{Drive, Driver, Mode};
pub use effect::{Effect, Intent, Program, Role, Touch, Undo};
pub use journal::{Journal, Run, Seen, Standings};
pub use laws::{LAWS, Law};
pub use moves::{Late, Left, Machine, Move};
pub use rules::Rules;
pub use world::{Database, Fence, Open, Router, World};
