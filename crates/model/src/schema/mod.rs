//! What a database holds, completely, and how two databases differ.
//!
//! Owns one file per kind of object: its facts, which of them are compared, what a difference means and the SQL that mends
//! it. Reads nothing: an adapter fills [`Inventory`]. It must never report one thing twice, and never take for a difference
//! what two versions of a server merely spell differently.

pub mod accepted;
pub mod column;
mod compare;
pub mod constraint;
pub mod database;
pub mod default_privileges;
mod definition;
pub mod dependency;
pub mod difference;
pub mod event_trigger;
pub mod extension;
pub mod foreign;
pub mod function;
pub mod grant;
pub mod index;
pub mod inventory;
mod item;
pub mod kind;
pub mod large_objects;
mod mention;
pub mod name;
mod options;
mod order;
pub mod policy;
pub mod publication;
pub mod role;
pub mod rule;
mod script;
pub mod sequence;
pub mod setting;
pub mod size;
pub mod space;
pub mod statistics;
pub mod subscription;
pub mod table;
pub mod trigger;
pub mod types;
pub mod view;

pub use compare::difference;
pub use dependency::{Dependency, dependencies};
pub use difference::{Comparison, Count, Difference, Severity, Status};
pub use inventory::{Inventory, Unseen};
pub use item::{Head, Item};
pub use kind::Kind;
pub use mention::{Mention, mentions};
