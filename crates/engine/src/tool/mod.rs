//! External tools: arguments and parsing are pure, one runner spawns.
//!
//! Secrets reach a tool through a password file of mode 0600 that is removed afterwards, never through arguments or the
//! environment's `PGPASSWORD`.

mod login;
mod passfile;
pub mod pg_dump;
mod private_dir;
mod process;

pub use login::Login;
pub use pg_dump::{Holding, Rows, SchemaDump, Section, Tools};
