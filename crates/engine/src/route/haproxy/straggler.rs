//! A change whose answer was lost: HAProxy may still be about to carry it out.
//!
//! It takes connections with several threads, so commands of one that was cut off can take effect after those of the next, or
//! between them: both servers without weight, or both taking writes. Owns the wait until nobody else speaks with it. It must never
//! cost anything where no answer was lost.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use super::runtime::Runtime;
use crate::error::Result;

/// For a connection that is accepted and has no session yet, which no list shows. Half of this was enough on two busy cores.
const ACCEPTED: Duration = Duration::from_millis(50);

const POLL: Duration = Duration::from_millis(20);

/// An operator's console counts as somebody, and stays as long as it likes.
const PATIENCE: Duration = Duration::from_secs(1);

/// Whether one is under way.
#[derive(Default)]
pub(super) struct Straggler(AtomicBool);

impl Straggler {
    /// A change is sent. Whoever drops the wait for its answer leaves it so.
    pub(super) fn sets_out(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Its answer is here.
    pub(super) fn is_back(&self) {
        self.0.store(false, Ordering::Release);
    }

    /// Waits, where an answer was lost, until HAProxy speaks with nobody but us, at most a second.
    pub(super) async fn is_gone(&self, runtime: &Runtime, doing: &str) -> Result<()> {
        if !self.0.load(Ordering::Acquire) {
            return Ok(());
        }
        tokio::time::sleep(ACCEPTED).await;
        let alone = async {
            loop {
                let sessions = runtime.ask(doing, &["show sess".to_owned()]).await?.concat();
                if speakers(&sessions) <= 1 {
                    return Ok(());
                }
                tokio::time::sleep(POLL).await;
            }
        };
        tokio::time::timeout(PATIENCE, alone).await.unwrap_or(Ok(()))
    }
}

/// Sessions of the runtime API, ours included.
fn speakers(sessions: &str) -> usize {
    sessions.lines().filter(|line| line.split_whitespace().any(|word| word == "fe=GLOBAL")).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_of_clients_are_not_those_of_the_runtime_api() {
        let said = "0x1: proto=tcpv4 src=127.0.0.1:1 fe=rw_in be=rw srv=source ts=00\n\
                    0x2: proto=tcpv4 src=127.0.0.1:2 fe=GLOBAL be=<NONE> srv=<none> ts=00\n";
        assert_eq!(speakers(said), 1, "as HAProxy 2.6 lists them");
    }
}
