//! What the steps of the cutover do to the world, as data: the one list that the engine builds its plans from and the
//! machine is explored with.

use crate::{
    hold::{HOLD_ORDER, HoldStep, REFUSE_WRITES},
    switch::{ORDER, SwitchStep},
};

/// One step of the cutover. A step that is not here has no place in a plan that moves traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Of the write switch, there or back.
    Switch(SwitchStep),
    /// Of holding writes by agreement.
    Hold(HoldStep),
    /// Writes that were held go on.
    LetWritesIn,
    /// A share of reads moves.
    ShiftReads,
}

/// A list of steps that is run as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Program {
    /// The write switch; the winner says which way.
    Switch,
    /// Writes at the source are refused by agreement.
    Hold,
    /// They are let in again.
    Release,
    /// A share of reads moves; no write is touched.
    Reads,
}

/// What becomes of an effect when the run is taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Undo {
    /// There is nothing to take back: it only looked, or what it did harms nobody.
    Nothing,
    /// It is taken back, and the world is as before it.
    TakenBack,
    /// It is after the point of no return: taking it back is refused.
    Never,
}

/// How far the intent of a step has to be written before the step acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Intent {
    /// On the disk.
    Disk,
    /// With the operating system: clients wait.
    Process,
}

/// Which of the two sides of a switch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Gives the authority up; of a hold, the side that refuses.
    Loser,
    /// Gets it.
    Winner,
}

/// One thing outside that a step may change, as somebody who looks from outside can tell it apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Touch {
    /// Whether routers queue clients.
    Pause,
    /// Where routers send reads and writes.
    Route,
    /// A transaction that holds the tables and is not committed.
    OpenFence(Role),
    /// Whether the side refuses writes, committed, and with which sentence.
    Refusal(Role),
    /// Whether the stream that leaves the side carries rows.
    Valve(Role),
}

impl Program {
    /// Its steps, in the order in which they run.
    pub fn steps(self) -> Vec<Effect> {
        match self {
            Program::Switch => ORDER.into_iter().map(Effect::Switch).collect(),
            Program::Hold => HOLD_ORDER.into_iter().map(Effect::Hold).collect(),
            Program::Release => vec![Effect::LetWritesIn],
            Program::Reads => vec![Effect::ShiftReads],
        }
    }

    /// Whether clients wait somewhere in it.
    pub fn holds_clients(self) -> bool {
        match self {
            Program::Switch | Program::Hold => true,
            Program::Release | Program::Reads => false,
        }
    }
}

impl Effect {
    /// The effect with this name in the journal; None for a step that has no part in the cutover. Two programs hold clients, in
    /// the same way and under the same name.
    pub fn named(word: &str) -> Option<Effect> {
        let programs = [Program::Switch, Program::Hold, Program::Release, Program::Reads];
        programs.into_iter().flat_map(Program::steps).find(|effect| effect.word() == word)
    }

    /// Stable name in the journal.
    pub fn word(self) -> &'static str {
        match self {
            Effect::Switch(step) => step.word(),
            Effect::Hold(HoldStep::Guard) => "guard_hold",
            Effect::Hold(HoldStep::Pause) => "hold",
            Effect::Hold(HoldStep::Refuse) => REFUSE_WRITES,
            Effect::Hold(HoldStep::Resume) => "resume",
            Effect::LetWritesIn => "let_writes_in",
            Effect::ShiftReads => "shift_reads",
        }
    }

    /// What becomes of it when the run is taken back.
    pub fn undo(self) -> Undo {
        match self {
            Effect::Switch(step) => match step {
                SwitchStep::Guard
                | SwitchStep::ProveCaughtUp
                | SwitchStep::AdvanceSequences
                // Until its entry is written there is nothing; then it is not taken back.
                | SwitchStep::PointOfNoReturn => Undo::Nothing,
                SwitchStep::Hold | SwitchStep::Fence => Undo::TakenBack,
                SwitchStep::CommitFence
                | SwitchStep::OpenWayBack
                | SwitchStep::LowerFence
                | SwitchStep::Route
                | SwitchStep::Release
                | SwitchStep::Watch => Undo::Never,
            },
            Effect::Hold(HoldStep::Guard | HoldStep::Resume) | Effect::LetWritesIn => Undo::Nothing,
            Effect::Hold(HoldStep::Pause | HoldStep::Refuse) | Effect::ShiftReads => Undo::TakenBack,
        }
    }

    /// Whether everything after it is finished forward.
    pub fn is_point_of_no_return(self) -> bool {
        self == Effect::Switch(SwitchStep::PointOfNoReturn)
    }

    /// Whether clients wait while it runs.
    pub fn is_inside_the_pause(self) -> bool {
        match self {
            Effect::Switch(step) => step.is_inside_the_pause(),
            Effect::Hold(HoldStep::Guard) | Effect::LetWritesIn | Effect::ShiftReads => false,
            Effect::Hold(HoldStep::Pause | HoldStep::Refuse | HoldStep::Resume) => true,
        }
    }

    /// How far its intent is written before it acts. A refusal that outlives our connection is announced on the disk even
    /// while clients wait.
    pub fn intent(self) -> Intent {
        let process = self.is_inside_the_pause() && self != Effect::Hold(HoldStep::Refuse);
        if process { Intent::Process } else { Intent::Disk }
    }

    /// Everything outside that it may change; nothing else.
    pub fn touches(self) -> &'static [Touch] {
        match self {
            Effect::Switch(step) => match step {
                SwitchStep::Guard
                | SwitchStep::ProveCaughtUp
                | SwitchStep::AdvanceSequences
                | SwitchStep::PointOfNoReturn
                | SwitchStep::Watch => &[],
                SwitchStep::Hold | SwitchStep::Release => &[Touch::Pause],
                SwitchStep::Fence => &[Touch::OpenFence(Role::Loser)],
                SwitchStep::CommitFence => {
                    &[Touch::OpenFence(Role::Loser), Touch::Refusal(Role::Loser), Touch::Valve(Role::Loser)]
                }
                SwitchStep::OpenWayBack => &[Touch::Valve(Role::Winner)],
                SwitchStep::LowerFence => &[Touch::Refusal(Role::Winner)],
                SwitchStep::Route => &[Touch::Route],
            },
            Effect::Hold(HoldStep::Guard) => &[],
            Effect::Hold(HoldStep::Pause | HoldStep::Resume) => &[Touch::Pause],
            Effect::Hold(HoldStep::Refuse) | Effect::LetWritesIn => &[Touch::Refusal(Role::Loser)],
            Effect::ShiftReads => &[Touch::Route],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn behind_the_point_nothing_is_taken_back_and_before_it_nothing_is_final() {
        let steps = Program::Switch.steps();
        let point = steps.iter().position(|e| e.is_point_of_no_return()).unwrap();
        for (index, effect) in steps.iter().enumerate() {
            assert_eq!(effect.undo() == Undo::Never, index > point, "{}", effect.word());
        }
        for program in [Program::Hold, Program::Release, Program::Reads] {
            assert!(program.steps().iter().all(|e| e.undo() != Undo::Never), "{program:?} has no point of no return");
        }
    }

    #[test]
    fn who_waits_is_told_by_the_steps() {
        for program in [Program::Switch, Program::Hold, Program::Release, Program::Reads] {
            let waits = program.steps().iter().any(|e| e.is_inside_the_pause());
            assert_eq!(waits, program.holds_clients(), "{program:?}");
        }
    }

    #[test]
    fn what_is_announced_to_the_system_alone_is_undone_without_harm() {
        for program in [Program::Switch, Program::Hold, Program::Release, Program::Reads] {
            for effect in program.steps().into_iter().filter(|e| e.intent() == Intent::Process) {
                // A power failure may lose its intent, and recovery takes it back all the same.
                let outlives_us = effect.touches().iter().any(|t| matches!(t, Touch::Refusal(_)));
                assert!(!outlives_us || effect.undo() == Undo::Never, "{}", effect.word());
            }
        }
    }
}
