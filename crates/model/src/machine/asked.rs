//! What operators ask for, and when it is accepted. `State::allows` and the gates are the real ones.

use super::{Drive, Driver, Machine, Mode, Program, Rules, Run, Seen, Standings};
use crate::Side;

/// What an operator asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ask {
    /// Writes to the target.
    SwitchWrites,
    /// Back to the source; lets writes in where they were held.
    RollBack,
    /// Writes are refused by agreement.
    Hold,
    /// They go on.
    Release,
}

impl Machine {
    /// Accepted: the state allows it, and its gates are open.
    pub(super) fn ask(&mut self, rules: &Rules, d: u8, ask: Ask, seen: Seen) -> Option<()> {
        let journal = &self.journal;
        // The watchdog serves nobody.
        if d == 1 || self.drivers[usize::from(d)] != Driver::Idle || journal.holder != Some(d) || journal.run.is_some()
        {
            return None;
        }
        let on_target = journal.authority == Side::Target;
        let (program, winner, gate) = match ask {
            Ask::SwitchWrites if !on_target && journal.held == rules.offline => {
                let opens = seen.opens() || seen == Seen::Unknown && !rules.unknown_is_shut;
                if !opens || seen == Seen::Pass && !self.is_measured() {
                    return None;
                }
                (Program::Switch, Side::Target, Some(seen))
            }
            // Behind no gate.
            Ask::RollBack | Ask::Hold | Ask::Release if seen != Seen::Pass => return None,
            Ask::RollBack if on_target => (Program::Switch, Side::Source, None),
            Ask::RollBack if journal.held => (Program::Release, Side::Target, None),
            Ask::Hold if rules.offline && !on_target && !journal.held => (Program::Hold, Side::Target, None),
            Ask::Release if rules.offline && !on_target => (Program::Release, Side::Target, None),
            Ask::SwitchWrites | Ask::RollBack | Ask::Hold | Ask::Release => return None,
        };
        let run = Run {
            program,
            winner,
            epoch: journal.epoch + 1,
            past: false,
            refusing: false,
            gate,
            before: Standings::of(&self.world),
        };
        self.journal.run = Some(run);
        self.pick_new(d, run);
        Some(())
    }

    /// What the gates ask for has been seen.
    fn is_measured(&self) -> bool {
        self.world.is_healthy() && self.world.router.writes == self.journal.authority
    }

    fn pick_new(&mut self, d: u8, run: Run) {
        let drive = Drive { run, mode: Mode::Forward, at: 0, announced: false, refuses_still: false };
        self.drivers[usize::from(d)] = Driver::Driving(drive);
    }
}
