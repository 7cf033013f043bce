//! External tools: arguments and parsing are pure, one runner spawns.
//!
//! Secrets reach a tool through a password file of mode 0600 that is removed afterwards, never through arguments or the
//! environment's `PGPASSWORD`.

pub mod pg_dump;
