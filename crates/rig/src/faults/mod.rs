//! Faults to order: a network between two parties that can be cut, reset, stranded, refused, slowed down or silenced. Processes are
//! killed and frozen by their own handles ([`crate::Server::kill`], [`crate::Pooler::freeze`], …).

mod fuse;
mod proxy;

pub use fuse::{Fuse, Lost};
pub use proxy::{Break, Proxy, Weather};
