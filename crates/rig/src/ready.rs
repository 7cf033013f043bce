//! Waiting for a server: ask often, give up at a deadline, never sleep blindly.

use std::path::Path;
use std::time::{Duration, Instant};

use tokio::net::TcpStream;
use tokio::time::sleep;

use crate::HOST;
use crate::error::{Result, RigError};

/// How often a condition is asked.
pub(crate) const TICK: Duration = Duration::from_millis(5);

/// Waits until `condition` holds; the error quotes the end of `log`.
pub(crate) async fn until(
    what: &str,
    deadline: Duration,
    log: &Path,
    mut condition: impl FnMut() -> Result<bool>,
) -> Result<()> {
    let begun = Instant::now();
    while !condition()? {
        if begun.elapsed() > deadline {
            return Err(RigError::late(what, deadline, log));
        }
        sleep(TICK).await;
    }
    Ok(())
}

/// Waits until something accepts connections on `port`; `alive` fails as soon as the server has ended.
pub(crate) async fn listening(
    what: &str,
    port: u16,
    deadline: Duration,
    log: &Path,
    alive: impl Fn() -> bool,
) -> Result<()> {
    let begun = Instant::now();
    while TcpStream::connect((HOST, port)).await.is_err() {
        if begun.elapsed() > deadline || !alive() {
            return Err(RigError::late(what, begun.elapsed(), log));
        }
        sleep(TICK).await;
    }
    Ok(())
}
