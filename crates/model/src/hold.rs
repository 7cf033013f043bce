//! The hold of the offline strategy: the source refuses writes by agreement, from before the copy until the switch.
//!
//! It is not the moment's wait at the poolers inside a write switch. It has no deadline that ends it: the fence stands when
//! the machine that raised it dies, until it is released, or the switch makes the target's word of it.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{
    Command, UnixMs,
    journal::Outcome,
    state::{Run, State, StepState},
};

/// How one side's fence stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It refuses nobody.
    Down,
    /// It refuses writes by agreement; this side keeps the authority.
    Held,
    /// It refuses writes because they moved to the other side.
    Moved,
}

/// The agreed window in which the source refuses writes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Held {
    /// Since when.
    pub since: UnixMs,
    /// Who held them.
    pub by: String,
}

/// One step of holding writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum HoldStep {
    /// Nothing would block the fence, and somebody lets clients go if this process dies while they wait.
    Guard,
    /// Routers queue writing clients; what they had begun ends.
    Pause,
    /// The source refuses writes, committed.
    Refuse,
    /// Clients go on: reads are answered, writes get the fence's sentence.
    Resume,
}

/// The journal's name of the step that makes the source refuse writes.
pub const REFUSE_WRITES: &str = "refuse_writes";

/// The steps in the order in which they run.
pub const HOLD_ORDER: [HoldStep; 4] = [HoldStep::Guard, HoldStep::Pause, HoldStep::Refuse, HoldStep::Resume];

/// For how long writes have been held, and whether that is longer than was agreed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct HeldFor {
    /// Seconds until now.
    pub seconds: i64,
    /// Seconds that were agreed.
    pub limit_s: u32,
    /// Longer than agreed.
    pub overdue: bool,
}

impl State {
    /// For how long writes have been held; None while they are not.
    pub fn held_for(&self, now: UnixMs) -> Option<HeldFor> {
        let held = self.held.as_ref()?;
        let (seconds, limit_s) = ((now - held.since).max(0) / 1000, self.limits().held_max_s);
        Some(HeldFor { seconds, limit_s, overdue: seconds > i64::from(limit_s) })
    }

    /// What the end of a run says about the hold. A fence that could not be lowered stands, so it can be released.
    pub(crate) fn end_hold(&mut self, run: &Run, at: UnixMs, outcome: Outcome) {
        let refused = run.steps.iter().find(|s| s.step == REFUSE_WRITES);
        let since = refused.map_or(at, |s| s.started);
        match (&run.command, outcome) {
            (Command::Hold, Outcome::Done) => self.held = Some(Held { since, by: run.by.clone() }),
            (Command::Hold, Outcome::Failed) if refused.is_some_and(|s| s.state == StepState::UndoFailed) => {
                self.held = Some(Held { since, by: run.by.clone() });
            }
            (Command::Release | Command::RollBack | Command::Cleanup { .. }, Outcome::Done) => self.held = None,
            (
                Command::Hold
                | Command::Release
                | Command::RollBack
                | Command::Cleanup { .. }
                | Command::Analyze
                | Command::Prepare
                | Command::Replicate
                | Command::Validate
                | Command::Repair { .. }
                | Command::ShiftReads { .. }
                | Command::SwitchWrites,
                Outcome::Done | Outcome::Undone | Outcome::Failed,
            ) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is durable outside.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    struct World {
        paused: bool,
        refuses: bool,
    }

    const OPEN: World = World { paused: false, refuses: false };

    impl World {
        fn apply(&mut self, step: HoldStep) {
            match step {
                HoldStep::Guard => {}
                HoldStep::Pause => self.paused = true,
                HoldStep::Refuse => self.refuses = true,
                HoldStep::Resume => self.paused = false,
            }
        }

        fn undo(&mut self, step: HoldStep) {
            match step {
                // Clients that were let go are not held again.
                HoldStep::Guard | HoldStep::Resume => {}
                HoldStep::Pause => self.paused = false,
                HoldStep::Refuse => self.refuses = false,
            }
        }
    }

    #[test]
    fn a_hold_that_dies_anywhere_is_taken_back_to_where_writers_write() {
        for died_after in 0..=HOLD_ORDER.len() {
            for undo_died_after in 0..=died_after {
                let mut w = OPEN;
                HOLD_ORDER.into_iter().take(died_after).for_each(|s| w.apply(s));
                let undo: Vec<HoldStep> = HOLD_ORDER.into_iter().take(died_after).rev().collect();
                undo.iter().take(undo_died_after).for_each(|s| w.undo(*s));
                undo.iter().for_each(|s| w.undo(*s));
                assert_eq!(w, OPEN, "died after {died_after} steps, its undo after {undo_died_after}");
            }
        }
    }

    #[test]
    fn whoever_is_let_go_is_answered_and_never_left_waiting() {
        let mut w = OPEN;
        HOLD_ORDER.into_iter().for_each(|s| w.apply(s));
        assert_eq!(w, World { paused: false, refuses: true }, "reads go on, writes are refused");
    }
}
