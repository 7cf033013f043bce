//! Free ports on loopback.

use std::collections::HashSet;
use std::net::TcpListener;
use std::sync::{Mutex, PoisonError};

use rand::Rng;

use crate::HOST;
use crate::error::{Result, RigError};

/// Ports already handed out by this process: a server that is still starting doesn't listen yet.
static TAKEN: Mutex<Option<HashSet<u16>>> = Mutex::new(None);

/// A port nobody listens on. It lies below the range from which the kernel serves outgoing connections, so that a
/// server can be restarted on it without finding a client's connection there.
pub(crate) fn free() -> Result<u16> {
    let mut guard = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
    let taken = guard.get_or_insert_with(HashSet::new);
    let mut rng = rand::rng();
    for _ in 0..500 {
        let port = rng.random_range(12_000..32_000);
        if !taken.contains(&port) && TcpListener::bind((HOST, port)).is_ok() {
            taken.insert(port);
            return Ok(port);
        }
    }
    Err(RigError::Missing { what: "a free port on loopback".into(), remedy: "end programs that listen there".into() })
}
