//! A process that drives: where in its run it stands. `saga::driver` and `conductor::recovery` of the engine are the real
//! ones, and move in the same strides: announce, act, on failure take back or leave open, look before finishing.

use super::{Effect, Machine, Program, Rules, Run, acts::Acted};
use crate::{
    hold::HoldStep,
    switch::{Recovery, SwitchStep},
};

/// How a run is gone through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mode {
    /// From its first step.
    Forward,
    /// Newest step first.
    Undo,
    /// Each step finds out whether it is done.
    Finish,
}

/// A run on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Drive {
    /// The run, as this process knows it; the journal may have moved on.
    pub run: Run,
    /// How.
    pub mode: Mode,
    /// Index of the next step; while taking back, how many are left.
    pub at: u8,
    /// The step is announced, and acts next.
    pub announced: bool,
    /// The refusal could not be taken back.
    pub refuses_still: bool,
}

/// A process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Driver {
    /// Not there: it has not begun, or has ended in peace.
    Gone,
    /// It died.
    Dead,
    /// There, with no run in its hands. Whether it has the lease the journal tells.
    Idle,
    /// The watchdog, standing.
    Watching,
    /// With a run in its hands, whoever has the lease by now.
    Driving(Drive),
}

impl Driver {
    /// There is no such process.
    pub fn is_gone(&self) -> bool {
        match self {
            Driver::Gone | Driver::Dead => true,
            Driver::Idle | Driver::Watching | Driver::Driving(_) => false,
        }
    }

    /// The run in its hands.
    pub fn drive(&self) -> Option<&Drive> {
        match self {
            Driver::Driving(drive) => Some(drive),
            Driver::Gone | Driver::Dead | Driver::Idle | Driver::Watching => None,
        }
    }
}

/// How the act of a step ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// As it ended.
    Told,
    /// It acted, and the process is told that it failed.
    Lost,
    /// It did not act, and the process is told so.
    Failed,
}

impl Machine {
    /// The process's next stride; None where it can only wait.
    pub(super) fn stride(mut self, rules: &Rules, d: u8, answer: Answer) -> Option<Machine> {
        let drive = *self.drivers[usize::from(d)].drive()?;
        let steps = rules.steps(drive.run.program);
        match drive.mode {
            Mode::Undo => self.take_back(rules, d, drive),
            Mode::Forward | Mode::Finish => match steps.get(usize::from(drive.at)) {
                None => self.end(rules, d, drive),
                Some(effect) if drive.announced => self.act(rules, d, drive, *effect, answer),
                Some(effect) => {
                    if drive.mode == Mode::Finish {
                        match self.observe(rules, d, &drive.run, *effect) {
                            None => return None,
                            Some(true) => {
                                self.keep(d, Drive { at: drive.at + 1, ..drive });
                                return Some(self);
                            }
                            Some(false) => {}
                        }
                    }
                    self.announce(rules, d, drive, *effect)
                }
            },
        }
        Some(self)
    }

    /// Finishing goes past the hold, of which only the clients' patience hangs; who is held where the router answers goes on.
    /// It counts as a fault: it happens where something is in the way for long.
    pub(super) fn finish_unheld(&mut self, rules: &Rules, d: u8) -> Option<()> {
        let drive = *self.drivers[usize::from(d)].drive()?;
        let at = rules.steps(drive.run.program).get(usize::from(drive.at))?;
        let late = drive.mode == Mode::Finish && *at == Effect::Switch(SwitchStep::Hold);
        if !late || self.journal.holder != Some(d) {
            return None;
        }
        self.fault()?;
        self.world.router.paused &= !self.world.router.answers;
        self.keep(d, Drive { at: drive.at + 1, announced: false, ..drive });
        Some(())
    }

    fn keep(&mut self, d: u8, drive: Drive) {
        self.drivers[usize::from(d)] = Driver::Driving(drive);
    }

    /// Whether an append of this process is taken.
    fn may_append(&self, rules: &Rules, d: u8) -> bool {
        self.journal.holder == Some(d) || !rules.journal_refuses_the_old_holder
    }

    fn announce(&mut self, rules: &Rules, d: u8, mut drive: Drive, effect: Effect) {
        if !self.may_append(rules, d) {
            return self.lose_the_lease(d);
        }
        drive.announced = true;
        if effect == Effect::Hold(HoldStep::Refuse) {
            drive.run.refusing = true;
            if let Some(run) = self.journal.run.as_mut() {
                run.refusing = true;
            }
        }
        self.keep(d, drive);
    }

    fn act(&mut self, rules: &Rules, d: u8, mut drive: Drive, effect: Effect, answer: Answer) {
        let acted = match answer {
            Answer::Failed => Acted::Failed,
            Answer::Told | Answer::Lost => self.apply(rules, d, &mut drive.run, effect),
        };
        let told = if answer == Answer::Lost && acted == Acted::Done { Acted::Failed } else { acted };
        // Whether this entry is there the journal tells, not the answer.
        let point = effect.is_point_of_no_return() && drive.run.past;
        match told {
            Acted::LeaseLost => self.lose_the_lease(d),
            Acted::Done => self.keep(d, Drive { at: drive.at + 1, announced: false, ..drive }),
            Acted::Failed if point => self.keep(d, Drive { at: drive.at + 1, announced: false, ..drive }),
            // It stays open, and is recovered anew; its session is gone.
            Acted::Failed if drive.run.past || drive.mode == Mode::Finish => {
                self.world.abandon(d);
                self.drivers[usize::from(d)] = Driver::Idle;
            }
            Acted::Failed if !self.may_append(rules, d) => self.lose_the_lease(d),
            Acted::Failed => {
                self.keep(d, Drive { mode: Mode::Undo, at: drive.at + 1, announced: false, ..drive });
            }
        }
    }

    fn take_back(&mut self, rules: &Rules, d: u8, drive: Drive) {
        let Some(at) = drive.at.checked_sub(1) else { return self.end(rules, d, drive) };
        let effect = rules.steps(drive.run.program)[usize::from(at)];
        let taken = self.undo(rules, d, &drive.run, effect);
        let refuses_still = drive.refuses_still || !taken && effect == Effect::Hold(HoldStep::Refuse);
        self.keep(d, Drive { at, refuses_still, ..drive });
    }

    /// The end of the run is written.
    fn end(&mut self, rules: &Rules, d: u8, drive: Drive) {
        if !self.may_append(rules, d) {
            return self.lose_the_lease(d);
        }
        let undone = drive.mode == Mode::Undo;
        self.journal.held = match drive.run.program {
            Program::Hold => !undone || drive.refuses_still,
            Program::Release => undone && self.journal.held,
            Program::Switch | Program::Reads => self.journal.held,
        };
        self.journal.held_clients |= drive.run.program.holds_clients();
        self.journal.run = None;
        // A fence that was not taken back goes with the session.
        self.world.abandon(d);
        self.let_go(d);
    }

    /// Somebody else drives: our open fence goes, the router is theirs.
    fn lose_the_lease(&mut self, d: u8) {
        self.world.roll_back(d);
        self.let_go(d);
    }

    fn let_go(&mut self, d: u8) {
        self.drivers[usize::from(d)] = Driver::Idle;
        if d == 0 && self.drivers[1] == Driver::Watching {
            self.drivers[1] = Driver::Gone;
        }
    }

    /// Takes an open run up, from the journal alone.
    pub(super) fn pick(mut self, rules: &Rules, d: u8) -> Option<Machine> {
        let run = self.journal.run?;
        let finish = match run.recovery() {
            Recovery::Finish => rules.recovery_finishes || run.program == Program::Release,
            Recovery::Undo => false,
        };
        let steps = rules.steps(run.program);
        let before = steps.iter().position(|e| e.is_point_of_no_return()).unwrap_or(steps.len());
        let (mode, at) = if finish { (Mode::Finish, 0) } else { (Mode::Undo, u8::try_from(before).ok()?) };
        self.keep(d, Drive { run, mode, at, announced: false, refuses_still: false });
        Some(self)
    }

    /// Whether the point of no return is written by this stride, so that nothing may fail half way.
    pub(super) fn is_at_the_point(&self, rules: &Rules, d: u8) -> bool {
        self.next_effect(rules, d) == Some(Effect::Switch(SwitchStep::PointOfNoReturn))
    }

    /// The step that this process acts on next, once it is announced.
    pub(super) fn next_effect(&self, rules: &Rules, d: u8) -> Option<Effect> {
        let drive = self.drivers[usize::from(d)].drive().filter(|d| d.announced && d.mode != Mode::Undo)?;
        rules.steps(drive.run.program).get(usize::from(drive.at)).copied()
    }
}
