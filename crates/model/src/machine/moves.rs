//! Everything that can happen next.

use super::{Ask, Driver, Effect, Journal, Rules, Run, Seen, World, drive::Answer};
use crate::{Side, switch::SwitchStep};

/// The whole: outside, journal, processes, and what may still go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Machine {
    /// Outside.
    pub world: World,
    /// The journal and the lease.
    pub journal: Journal,
    /// The first process, its watchdog, and a second operator's.
    pub drivers: [Driver; 3],
    /// A command that was sent and has not arrived, or will arrive a second time.
    pub late: Option<Late>,
    /// What may still happen.
    pub left: Left,
}

/// What may still happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Left {
    /// Faults of any kind.
    pub faults: u8,
    /// Commands that operators ask for.
    pub commands: u8,
    /// Writes of clients.
    pub writes: u8,
}

/// A command on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Late {
    /// Which.
    pub effect: Effect,
    /// Of a run towards this side.
    pub winner: Side,
    /// That makes this epoch.
    pub epoch: u8,
}

impl Late {
    pub(super) fn of(effect: Effect, run: &Run) -> Late {
        Late { effect, winner: run.winner, epoch: run.epoch }
    }

    pub(super) fn loser(&self) -> Side {
        self.winner.other()
    }
}

/// One thing that happens. Processes are named by their number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Move {
    /// A client's write is acknowledged on a side.
    Write(Side),
    /// What left a side arrives on the other.
    Deliver(Side),
    /// A command is accepted.
    Ask(u8, Ask, Seen),
    /// The process does the next thing of its run.
    Step(u8),
    /// It acts, and is told that it failed.
    AnswerLost(u8),
    /// It cannot act, in time or at all.
    CannotAct(u8),
    /// It acts, and its command will arrive once more.
    Twice(u8),
    /// It dies.
    Crash(u8),
    /// It dies with its command on the way.
    CrashSending(u8),
    /// The command that was on its way arrives.
    Arrive,
    /// The server ends an open fence.
    Lapse(Side),
    /// The watchdog takes over.
    Seize,
    /// A process takes the lease.
    Take(u8),
    /// A process with the lease takes the open run up.
    Pick(u8),
    /// A process begins; again, or the second operator's.
    Begin(u8),
    /// It finishes late: clients have waited as long as was promised, go on, and are not held anew.
    FinishUnheld(u8),
    /// Whoever drives ends a pause and a route that arrived after their run.
    Tidy(u8),
    /// A server dies, and with it what was not committed.
    Die(Side),
    /// It answers again.
    Revive(Side),
    /// The router no longer answers us.
    CutRouter,
    /// It does again.
    MendRouter,
}

const PROCESSES: [u8; 3] = [0, 1, 2];
const SIDES: [Side; 2] = [Side::Source, Side::Target];

impl Machine {
    /// Replication runs, the first process drives, and this much may happen.
    pub fn new(left: Left) -> Machine {
        Machine {
            world: World::new(),
            journal: Journal::new(),
            drivers: [Driver::Idle, Driver::Gone, Driver::Gone],
            late: None,
            left,
        }
    }

    /// Everything that can happen next, as moves that [`Machine::after`] takes.
    pub fn moves(&self, rules: &Rules) -> Vec<Move> {
        let mut moves = vec![Move::Arrive, Move::Seize, Move::CutRouter, Move::MendRouter];
        for side in SIDES {
            moves.extend([Move::Write(side), Move::Deliver(side), Move::Lapse(side), Move::Die(side)]);
            moves.push(Move::Revive(side));
        }
        for d in PROCESSES {
            moves.extend([Move::Step(d), Move::AnswerLost(d), Move::CannotAct(d), Move::Twice(d), Move::Crash(d)]);
            moves.extend([Move::CrashSending(d), Move::Take(d), Move::Pick(d), Move::Begin(d), Move::Tidy(d)]);
            moves.push(Move::FinishUnheld(d));
            for ask in [Ask::SwitchWrites, Ask::RollBack, Ask::Hold, Ask::Release] {
                moves.extend([Seen::Pass, Seen::Unknown].map(|seen| Move::Ask(d, ask, seen)));
            }
        }
        moves.retain(|m| self.after(rules, *m).is_some());
        moves
    }

    /// What comes of a move; None where it cannot happen.
    pub fn after(&self, rules: &Rules, happens: Move) -> Option<Machine> {
        let mut m = self.moved(rules, happens)?;
        // A commit counts for its own transaction alone, and goes with it.
        let committing = m.late.filter(|late| late.effect == Effect::Switch(SwitchStep::CommitFence));
        if committing.is_some_and(|late| m.world.side(late.loser()).open.is_none()) {
            m.late = None;
        }
        Some(m)
    }

    fn moved(&self, rules: &Rules, happens: Move) -> Option<Machine> {
        let mut m = *self;
        match happens {
            Move::Write(side) => {
                m.left.writes = m.left.writes.checked_sub(1)?;
                if !(m.world.accepts(side) && m.world.side(side).up) {
                    return None;
                }
                m.world.write(side);
            }
            Move::Deliver(side) => {
                if m.world.side(side).leaving == 0 || !m.world.sides.iter().all(|s| s.up) {
                    return None;
                }
                m.world.deliver(side);
            }
            Move::Ask(d, ask, seen) => {
                m.left.commands = m.left.commands.checked_sub(1)?;
                m.ask(rules, d, ask, seen)?;
            }
            Move::Step(d) => return m.stride(rules, d, Answer::Told),
            Move::AnswerLost(d) => {
                m.sends(rules, d)?;
                m.fault()?;
                return m.stride(rules, d, Answer::Lost);
            }
            Move::CannotAct(d) => {
                m.next_effect(rules, d)?;
                m.fault()?;
                return m.stride(rules, d, Answer::Failed);
            }
            Move::Twice(d) => {
                m.travels(rules, d)?;
                m.fault()?;
                return m.stride(rules, d, Answer::Told);
            }
            Move::Crash(d) => m.crash(d)?,
            Move::CrashSending(d) => {
                m.travels(rules, d)?;
                m.crash(d)?;
            }
            Move::Arrive => {
                let late = m.late.take()?;
                m.command(late, rules);
            }
            Move::Lapse(side) => m.lapse(rules, side)?,
            Move::Seize => m.seize()?,
            Move::Take(d) => m.take(d)?,
            Move::Pick(d) => {
                if m.drivers[usize::from(d)] != Driver::Idle || m.journal.holder != Some(d) {
                    return None;
                }
                return m.pick(rules, d);
            }
            Move::Begin(d) => m.begin(d)?,
            Move::FinishUnheld(d) => m.finish_unheld(rules, d)?,
            Move::Tidy(d) => m.tidy(rules, d)?,
            Move::Die(side) => {
                let here = m.world.side_mut(side);
                if !here.up {
                    return None;
                }
                (here.up, here.open) = (false, None);
                m.fault()?;
            }
            Move::Revive(side) => {
                let here = m.world.side_mut(side);
                if here.up {
                    return None;
                }
                here.up = true;
            }
            Move::CutRouter => {
                if !m.world.router.answers {
                    return None;
                }
                m.world.router.answers = false;
                m.fault()?;
            }
            Move::MendRouter => {
                if m.world.router.answers {
                    return None;
                }
                m.world.router.answers = true;
            }
        }
        Some(m)
    }

    pub(super) fn fault(&mut self) -> Option<()> {
        self.left.faults = self.left.faults.checked_sub(1)?;
        Some(())
    }
}
