//! Real servers on loopback, for the demo and the tests: a source and a target PostgreSQL, PgBouncer and HAProxy
//! in front, a schema with rows in it, a workload that keeps a ledger of what was acknowledged, and faults.
//!
//! The rig knows nothing of the product: it only makes a world in which the product can be used and judged.
//! Everything it starts ends with it, also when the process that owns it is killed.

mod account;
pub mod cache;
mod endpoints;
mod error;
pub mod faults;
mod front;
mod haproxy;
mod home;
pub mod ledger;
mod login;
mod major;
mod pooler;
mod port;
mod proc;
mod process;
mod prometheus;
mod quote;
mod ready;
mod rig;
pub mod schema;
mod server;
mod settings;
mod template;
mod tls;
mod web;
pub mod workload;

pub use endpoints::{Endpoints, PoolerEndpoint, ServerEndpoint};
pub use error::{Result, RigError};
pub use front::Links;
pub use haproxy::HaProxy;
pub use login::{Login, Logins};
pub use major::Major;
pub use pooler::Pooler;
pub use process::Process;
pub use prometheus::Prometheus;
pub use rig::{Rig, RigOptions};
pub use schema::Schema;
pub use server::{Server, ServerOptions};
pub use template::Identity;
pub use web::{Asked, Web};
pub use workload::{Workload, WorkloadConfig};

/// The database that every server of a rig holds.
pub const DATABASE: &str = "shop";

/// The only address anything in a rig listens on.
pub const HOST: &str = "127.0.0.1";
