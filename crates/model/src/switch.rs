//! The write switch as a pure machine: the order of its steps, the point of no return, and what a crash means.
//!
//! The engine runs exactly [`ORDER`]; the tests below walk the same order in an abstract world, crash it at every point
//! and check the invariants of the design in every state on the way.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// One step of the write switch. `loser` is the side that gives the authority up, `winner` the one that gets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum SwitchStep {
    /// Proves that the way there and the way back are alive now, and that nothing would block the fence.
    Guard,
    /// Routers queue writing clients.
    Hold,
    /// One open transaction on the loser: locks, refusing triggers, its stream closed. Not committed.
    Fence,
    /// A beat written after the locks were gained has arrived on the winner.
    ProveCaughtUp,
    /// Sequences on the winner are beyond the loser's.
    AdvanceSequences,
    /// The journal says who has the authority. **The point of no return.**
    PointOfNoReturn,
    /// The fence becomes permanent.
    CommitFence,
    /// The winner's stream back to the loser opens, at this exact point of the winner's WAL.
    OpenWayBack,
    /// The winner stops refusing writes, where it did.
    LowerFence,
    /// Routers point at the winner.
    Route,
    /// Clients go on.
    Release,
    /// Reads the route back and follows the first beats of the new authority.
    Watch,
}

/// The steps in the order in which they run, forward and on the way back alike.
pub const ORDER: [SwitchStep; 12] = [
    SwitchStep::Guard,
    SwitchStep::Hold,
    SwitchStep::Fence,
    SwitchStep::ProveCaughtUp,
    SwitchStep::AdvanceSequences,
    SwitchStep::PointOfNoReturn,
    SwitchStep::CommitFence,
    SwitchStep::OpenWayBack,
    SwitchStep::LowerFence,
    SwitchStep::Route,
    SwitchStep::Release,
    SwitchStep::Watch,
];

impl SwitchStep {
    /// Stable name in the journal.
    pub fn word(self) -> &'static str {
        match self {
            SwitchStep::Guard => "guard",
            SwitchStep::Hold => "hold",
            SwitchStep::Fence => "fence",
            SwitchStep::ProveCaughtUp => "prove_caught_up",
            SwitchStep::AdvanceSequences => "advance_sequences",
            SwitchStep::PointOfNoReturn => "point_of_no_return",
            SwitchStep::CommitFence => "commit_fence",
            SwitchStep::OpenWayBack => "open_way_back",
            SwitchStep::LowerFence => "lower_fence",
            SwitchStep::Route => "route",
            SwitchStep::Release => "release",
            SwitchStep::Watch => "watch",
        }
    }

    /// Whether clients wait while this step runs.
    pub fn is_inside_the_pause(self) -> bool {
        match self {
            SwitchStep::Guard | SwitchStep::Watch => false,
            SwitchStep::Hold
            | SwitchStep::Fence
            | SwitchStep::ProveCaughtUp
            | SwitchStep::AdvanceSequences
            | SwitchStep::PointOfNoReturn
            | SwitchStep::CommitFence
            | SwitchStep::OpenWayBack
            | SwitchStep::LowerFence
            | SwitchStep::Route
            | SwitchStep::Release => true,
        }
    }
}

/// What a process that finds an open run does with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Recovery {
    /// Take back what was done: before the point of no return.
    Undo,
    /// Run the remaining steps: after it.
    Finish,
}

/// The one rule of recovery.
pub fn recovery(past_no_return: bool) -> Recovery {
    if past_no_return { Recovery::Finish } else { Recovery::Undo }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The abstract world: what is durable outside, plus what dies with our connection.
    #[derive(Debug, Clone, PartialEq)]
    struct World {
        held: bool,
        /// Locks and uncommitted triggers on the loser; gone when our connection dies.
        fence_tx: bool,
        loser_fenced: bool,
        /// The loser refuses writes by agreement, since before the run: the offline strategy.
        loser_held: bool,
        winner_fenced: bool,
        loser_stream_open: bool,
        winner_stream_open: bool,
        /// Everything the loser acknowledged is on the winner.
        caught_up: bool,
        route_to_winner: bool,
        journal_past: bool,
    }

    impl World {
        fn before(winner_fenced: bool, loser_held: bool) -> Self {
            World {
                held: false,
                fence_tx: false,
                loser_fenced: false,
                loser_held,
                winner_fenced,
                loser_stream_open: true,
                winner_stream_open: false,
                caught_up: false,
                route_to_winner: false,
                journal_past: false,
            }
        }

        fn loser_accepts(&self) -> bool {
            !self.fence_tx && !self.loser_fenced && !self.loser_held
        }

        /// On the first switch the winner has no fence: it accepts writes of whoever goes there, so what counts is
        /// whether traffic can reach it.
        fn winner_accepts(&self) -> bool {
            !self.winner_fenced && self.route_to_winner && !self.held
        }

        fn apply(&mut self, step: SwitchStep) {
            match step {
                SwitchStep::Guard | SwitchStep::Watch => {}
                SwitchStep::Hold => self.held = true,
                SwitchStep::Fence => self.fence_tx = !self.loser_fenced,
                SwitchStep::ProveCaughtUp => {
                    assert!(!self.loser_accepts(), "a proof while the loser still accepts writes proves nothing");
                    self.caught_up = true;
                }
                SwitchStep::AdvanceSequences => {}
                SwitchStep::PointOfNoReturn => self.journal_past = true,
                SwitchStep::CommitFence => {
                    if self.fence_tx {
                        self.fence_tx = false;
                        self.loser_fenced = true;
                        // The same triggers, with another sentence.
                        self.loser_held = false;
                        self.loser_stream_open = false;
                    }
                }
                SwitchStep::OpenWayBack => self.winner_stream_open = true,
                SwitchStep::LowerFence => self.winner_fenced = false,
                SwitchStep::Route => self.route_to_winner = true,
                SwitchStep::Release => self.held = false,
            }
        }

        fn undo(&mut self, step: SwitchStep) {
            match step {
                SwitchStep::Hold => self.held = false,
                SwitchStep::Fence => self.fence_tx = false,
                SwitchStep::Guard | SwitchStep::ProveCaughtUp | SwitchStep::AdvanceSequences => {}
                SwitchStep::PointOfNoReturn
                | SwitchStep::CommitFence
                | SwitchStep::OpenWayBack
                | SwitchStep::LowerFence
                | SwitchStep::Route
                | SwitchStep::Release
                | SwitchStep::Watch => panic!("{step:?} is after the point of no return and has no undo"),
            }
        }

        /// Our process and its connections die. Traffic that bypasses the routers may write on a side that accepts.
        fn crash(&mut self) {
            self.fence_tx = false;
            if self.loser_accepts() {
                self.caught_up = false;
            }
        }

        fn check(&self) {
            assert!(!(self.loser_accepts() && self.winner_accepts()), "two sides accept writes: {self:?}");
            assert!(!(self.loser_stream_open && self.winner_stream_open), "rows would go round in a circle: {self:?}");
            if self.winner_accepts() {
                assert!(self.caught_up, "the winner opened without everything acknowledged: {self:?}");
                assert!(self.winner_stream_open, "no way back while the winner accepts writes: {self:?}");
            }
        }
    }

    fn recover(w: &mut World) {
        match recovery(w.journal_past) {
            Recovery::Undo => {
                for step in ORDER.into_iter().rev().filter(|s| matches!(s, SwitchStep::Hold | SwitchStep::Fence)) {
                    w.undo(step);
                    w.check();
                }
            }
            Recovery::Finish => {
                // Everything from the hold on runs again; each step finds out for itself what is already done.
                for step in ORDER.into_iter().skip(1) {
                    w.apply(step);
                    w.check();
                }
            }
        }
    }

    #[test]
    fn every_crash_leaves_one_authority_and_nothing_lost() {
        for (winner_fenced, loser_held) in [(false, false), (true, false), (false, true)] {
            for crash_after in 0..=ORDER.len() {
                for second_crash in 0..=ORDER.len() {
                    let mut w = World::before(winner_fenced, loser_held);
                    let before = w.clone();
                    for step in ORDER.into_iter().take(crash_after) {
                        w.apply(step);
                        w.check();
                    }
                    w.crash();
                    w.check();
                    let through = w.route_to_winner && !w.held;
                    if w.journal_past && !through {
                        // The one that recovers dies too, anywhere.
                        for step in ORDER.into_iter().skip(1).take(second_crash) {
                            w.apply(step);
                            w.check();
                        }
                        w.crash();
                        w.check();
                    }
                    let past = w.journal_past;
                    recover(&mut w);
                    if past {
                        assert!(
                            w.winner_accepts() && w.loser_fenced,
                            "after the point of no return it can be finished: {w:?}"
                        );
                    } else {
                        w.caught_up = before.caught_up;
                        assert_eq!(w, before, "before the point of no return everything undoes itself");
                    }
                }
            }
        }
    }

    #[test]
    fn only_what_is_before_the_point_of_no_return_has_an_undo() {
        let point = ORDER.iter().position(|s| *s == SwitchStep::PointOfNoReturn).unwrap();
        let commit = ORDER.iter().position(|s| *s == SwitchStep::CommitFence).unwrap();
        assert_eq!(commit, point + 1, "nothing may come between the journal and the commit of the fence");
    }
}
