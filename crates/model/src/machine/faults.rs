//! What goes wrong between two strides, and who takes over.

use super::{Driver, Effect, Fence, Late, Machine, Rules};
use crate::{Side, hold::HoldStep, switch::SwitchStep};

impl Machine {
    /// A command is about to be sent, whose answer can be lost.
    pub(super) fn sends(&self, rules: &Rules, d: u8) -> Option<Effect> {
        let effect = self.next_effect(rules, d)?;
        // It writes to our own store, and reads it back.
        (!self.is_at_the_point(rules, d)).then_some(effect)
    }

    /// A copy of the command that is about to be sent stays on the way.
    pub(super) fn travels(&mut self, rules: &Rules, d: u8) -> Option<()> {
        let effect = self.sends(rules, d)?;
        let run = self.drivers[usize::from(d)].drive()?.run;
        let changes = match effect {
            Effect::Switch(step) => match step {
                SwitchStep::CommitFence => self.world.side(run.loser()).open.is_some_and(|open| open.by == Some(d)),
                SwitchStep::Hold
                | SwitchStep::Fence
                | SwitchStep::OpenWayBack
                | SwitchStep::LowerFence
                | SwitchStep::Route
                | SwitchStep::Release => true,
                SwitchStep::Guard
                | SwitchStep::ProveCaughtUp
                | SwitchStep::AdvanceSequences
                | SwitchStep::PointOfNoReturn
                | SwitchStep::Watch => false,
            },
            Effect::Hold(HoldStep::Pause | HoldStep::Resume) => true,
            // Where nothing is refused, nothing is sent.
            Effect::LetWritesIn => self.world.side(run.loser()).fence == Fence::Held,
            // Its commit counts only while its transaction is open, and whoever takes over waits for the end of that.
            Effect::Hold(HoldStep::Guard | HoldStep::Refuse) | Effect::ShiftReads => false,
        };
        if !changes || self.late.is_some() {
            return None;
        }
        self.late = Some(Late::of(effect, &run));
        Some(())
    }

    pub(super) fn crash(&mut self, d: u8) -> Option<()> {
        if self.drivers[usize::from(d)].is_gone() {
            return None;
        }
        self.drivers[usize::from(d)] = Driver::Dead;
        self.world.abandon(d);
        self.fault()
    }

    /// A server ends a fence whose session is gone, and one whose session is silent for too long.
    pub(super) fn lapse(&mut self, rules: &Rules, side: Side) -> Option<()> {
        let open = self.world.side(side).open?;
        match open.by {
            None if !rules.fence_dies_with_its_session => return None,
            None => {}
            Some(_) => self.fault()?,
        }
        self.world.side_mut(side).open = None;
        Some(())
    }

    /// It stands for the process that launched it, and goes when somebody else was faster.
    pub(super) fn seize(&mut self) -> Option<()> {
        if self.drivers[1] != Driver::Watching {
            return None;
        }
        if self.journal.holder != Some(0) {
            self.drivers[1] = Driver::Gone;
            return Some(());
        }
        if !self.drivers[0].is_gone() {
            self.fault()?;
        }
        (self.drivers[1], self.journal.holder) = (Driver::Idle, Some(1));
        Some(())
    }

    /// A lease lapses when its holder is gone, and when it is asleep.
    pub(super) fn take(&mut self, d: u8) -> Option<()> {
        // The watchdog has seized it, or has no business with it.
        if d == 1 || self.drivers[usize::from(d)] != Driver::Idle || self.journal.holder == Some(d) {
            return None;
        }
        match self.journal.holder.map(|h| (h, self.drivers[usize::from(h)])) {
            // It gives the lease back once there is nothing to do.
            Some((1, Driver::Idle)) if self.journal.run.is_none() => {}
            None | Some((_, Driver::Gone | Driver::Dead)) => {}
            Some((_, Driver::Idle | Driver::Watching | Driver::Driving(_))) => self.fault()?,
        }
        self.journal.holder = Some(d);
        Some(())
    }

    /// The first process is started again once its watchdog has acted; the second operator comes once.
    pub(super) fn begin(&mut self, d: u8) -> Option<()> {
        if d == 1 || !self.drivers[usize::from(d)].is_gone() {
            return None;
        }
        if d == 0 && self.drivers[1] == Driver::Watching {
            return None;
        }
        if d == 2 {
            self.fault()?;
        }
        if self.journal.holder == Some(d) {
            self.journal.holder = None;
        }
        self.drivers[usize::from(d)] = Driver::Idle;
        Some(())
    }

    pub(super) fn tidy(&mut self, rules: &Rules, d: u8) -> Option<()> {
        // Beside a run that has no business with the router, and while there is none.
        let meanwhile = match self.drivers[usize::from(d)] {
            Driver::Idle => self.journal.run.is_none(),
            Driver::Driving(drive) => !drive.run.program.holds_clients(),
            Driver::Gone | Driver::Dead | Driver::Watching => false,
        };
        let drives = self.journal.holder == Some(d) && meanwhile;
        if !drives || !self.journal.held_clients || !self.world.router.answers {
            return None;
        }
        let paused = self.world.router.paused && rules.stray_pause_is_ended;
        let astray = self.world.router.writes != self.journal.authority && rules.stray_route_is_led_back;
        if paused {
            self.world.router.paused = false;
        }
        if astray {
            self.world.route(self.journal.authority);
        }
        (paused || astray).then_some(())
    }
}
