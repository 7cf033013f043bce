//! A cut at a chosen moment: the n-th piece of a conversation is lost, and every connection with it.

use std::sync::Mutex;
use std::sync::PoisonError;

use tokio::sync::broadcast;

/// Which piece is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lost {
    /// A request: the server never hears of it.
    Request,
    /// An answer: the server has done it, and nobody is told.
    Answer,
}

/// What a blown fuse counts down from; none while it is not armed.
#[derive(Debug, Clone, Copy)]
enum State {
    Off,
    Armed { lost: Lost, left: u32 },
    Blown,
}

/// Shared by the proxies of one party: when it blows, all that party's connections break at once, as when its network
/// goes. New ones can be made at once.
#[derive(Debug)]
pub struct Fuse {
    state: Mutex<State>,
    cut: broadcast::Sender<()>,
}

impl Default for Fuse {
    fn default() -> Self {
        Self { state: Mutex::new(State::Off), cut: broadcast::Sender::new(1) }
    }
}

impl Fuse {
    /// Lets `before` more pieces of this kind pass and loses the next one.
    pub fn arm(&self, lost: Lost, before: u32) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = State::Armed { lost, left: before };
    }

    /// Takes it out; answers whether it had blown.
    pub fn disarm(&self) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        matches!(std::mem::replace(&mut *state, State::Off), State::Blown)
    }

    pub(super) fn listen(&self) -> broadcast::Receiver<()> {
        self.cut.subscribe()
    }

    /// Whether a piece may pass.
    pub(super) fn passes(&self, kind: Lost) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *state {
            State::Armed { lost, left } if *lost == kind => {
                if *left > 0 {
                    *left -= 1;
                    return true;
                }
                *state = State::Blown;
                // Nobody listening means that there is no connection to cut.
                let _ = self.cut.send(());
                false
            }
            State::Off | State::Armed { .. } | State::Blown => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_blows_once_at_the_piece_that_was_asked_for() {
        let fuse = Fuse::default();
        assert!(fuse.passes(Lost::Request), "without an order nothing is lost");
        fuse.arm(Lost::Answer, 1);
        assert!(fuse.passes(Lost::Request) && fuse.passes(Lost::Answer), "requests do not count, one answer may pass");
        assert!(!fuse.passes(Lost::Answer), "the second answer is lost");
        assert!(fuse.passes(Lost::Answer), "what comes over new connections arrives");
        assert!(fuse.disarm() && !fuse.disarm(), "it says once that it had blown");
    }
}
