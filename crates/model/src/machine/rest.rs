//! What becomes of a state when everybody is gone: what servers do by themselves, and what the next process does from the
//! journal alone.

use super::{Ask, Driver, Fence, Left, Machine, Move, Program, Rules, Seen};
use crate::Side;

/// More strides than any run has, a rollback behind it.
const STRIDES: usize = 100;

const SIDES: [Side; 2] = [Side::Source, Side::Target];

impl Machine {
    /// Every process is gone, and servers and router answer.
    pub fn left_alone(&self, rules: &Rules) -> Machine {
        let mut m = *self;
        m.drivers = [Driver::Gone; 3];
        m.late = None;
        m.left = Left { faults: 1, commands: 2, writes: 0 };
        m.journal.holder = None;
        m.world.router.answers = true;
        for d in [0, 1, 2] {
            m.world.abandon(d);
        }
        for side in SIDES {
            m.world.side_mut(side).up = true;
            m = m.after(rules, Move::Lapse(side)).unwrap_or(m);
        }
        for side in SIDES {
            m.world.deliver(side);
        }
        m
    }

    /// Before the point of no return of a switch, fences and streams are as before once our sessions are gone, with nobody's
    /// help.
    pub(super) fn databases_recover(rules: &Rules, m: &Machine) -> bool {
        let m = m.left_alone(rules);
        let open = m.world.sides.iter().any(|s| s.open.is_some());
        let undecided = m.journal.run.filter(|r| r.program == Program::Switch && !r.past);
        !open && undecided.is_none_or(|run| run.before.are_back(&m.world))
    }

    /// The next process ends the open run: as before where it is before the point of no return, done where it is after it; and
    /// from there everything goes back to the source.
    pub(super) fn can_be_ended(rules: &Rules, m: &Machine) -> bool {
        let Some(ended) = m.left_alone(rules).recovered(rules) else { return false };
        // Who was held by this run is let go by its end, and not by somebody who happens to look.
        let held = m.journal.run.is_some_and(|run| run.program.holds_clients()) && ended.world.router.paused;
        let rested = ended.after(rules, Move::Tidy(2)).unwrap_or(ended);
        let taken_back = m.journal.run.is_none_or(|run| match run.program {
            Program::Switch if !run.past => run.before.are_back(&rested.world),
            Program::Hold => rested.world.side(Side::Source).fence == Fence::Down,
            Program::Switch | Program::Release | Program::Reads => true,
        });
        !held && taken_back && rested.is_at_rest() && rested.goes_back(rules)
    }

    /// The second operator's process takes over and drives until nothing is open.
    fn recovered(self, rules: &Rules) -> Option<Machine> {
        let m = self.after(rules, Move::Begin(2))?.after(rules, Move::Take(2))?;
        match m.journal.run {
            Some(_) => m.after(rules, Move::Pick(2))?.driven(rules),
            None => Some(m),
        }
    }

    fn driven(self, rules: &Rules) -> Option<Machine> {
        let mut m = self;
        for _ in 0..STRIDES {
            if m.journal.run.is_none() {
                return Some(m);
            }
            m = match m.drivers[2] {
                Driver::Idle => m.after(rules, Move::Pick(2))?,
                Driver::Gone | Driver::Dead | Driver::Watching | Driver::Driving(_) => m.after(rules, Move::Step(2))?,
            };
        }
        None
    }

    /// Nobody waits; the authority has everything and its stream open; the other side refuses writes, where it may be
    /// written to.
    fn is_at_rest(&self) -> bool {
        let (here, there) = (self.world.side(self.journal.authority), self.world.side(self.journal.authority.other()));
        // A refusal that could not be taken back counts as held, and may turn out not to stand.
        let stands = here.fence == Fence::Down || self.journal.held && here.fence == Fence::Held;
        let refuses = matches!(there.fence, Fence::Moved(_)) || !there.known;
        let all = self.world.acknowledged;
        !self.world.router.paused
            && stands
            && self.world.router.writes == self.journal.authority
            && here.valve
            && !there.valve
            && refuses
            && (here.rows, there.rows) == (all, all)
    }

    /// Roll back works from here, where there is something to roll back.
    fn goes_back(self, rules: &Rules) -> bool {
        let mut m = self;
        if m.ask(rules, 2, Ask::RollBack, Seen::Pass).is_none() {
            return m.journal.authority == Side::Source && !m.journal.held;
        }
        let back = m.driven(rules).map(|m| m.after(rules, Move::Tidy(2)).unwrap_or(m));
        back.is_some_and(|m| m.journal.authority == Side::Source && !m.journal.held && m.is_at_rest())
    }
}
