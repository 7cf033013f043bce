//! What each effect does: its act, and what its command does whenever it arrives.

use super::{Driver, Effect, Fence, Journal, Late, Machine, Open, Rules, Run};
use crate::{Side, hold::HoldStep, switch::SwitchStep};

/// How an act ended, as the process knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Acted {
    /// Done.
    Done,
    /// It did not act.
    Failed,
    /// The journal refused it: somebody else drives.
    LeaseLost,
}

fn done(yes: bool) -> Acted {
    if yes { Acted::Done } else { Acted::Failed }
}

impl Machine {
    /// Acts.
    pub(super) fn apply(&mut self, rules: &Rules, d: u8, run: &mut Run, effect: Effect) -> Acted {
        let (loser, winner) = (run.loser(), run.winner);
        let healthy = self.world.is_healthy();
        let answers = self.world.router.answers;
        match effect {
            Effect::Switch(step) => match step {
                SwitchStep::Guard => self.guard(rules, d, self.may_switch(run), healthy),
                SwitchStep::Hold => done(self.command(Late::of(effect, run), rules)),
                SwitchStep::Fence => done(self.raise(d, loser, run.epoch)),
                SwitchStep::ProveCaughtUp => {
                    let up = self.world.sides.iter().all(|s| s.up);
                    if up && rules.proof_waits {
                        self.world.deliver(loser);
                    }
                    done(up)
                }
                SwitchStep::AdvanceSequences => {
                    let up = self.world.sides.iter().all(|s| s.up);
                    self.world.side_mut(winner).sequences |= up;
                    done(up)
                }
                SwitchStep::PointOfNoReturn => self.pass_the_point(rules, d, run),
                SwitchStep::CommitFence => {
                    let here = self.world.side(loser);
                    let ours = here.open.is_some_and(|open| open.by == Some(d));
                    let moved = here.up && matches!(here.fence, Fence::Moved(_));
                    if ours {
                        self.commit(rules, loser);
                    }
                    done(ours || moved)
                }
                SwitchStep::OpenWayBack | SwitchStep::LowerFence | SwitchStep::Route | SwitchStep::Release => {
                    done(self.command(Late::of(effect, run), rules))
                }
                SwitchStep::Watch => {
                    done(answers && self.world.router.writes == winner && self.world.sides.iter().all(|s| s.up))
                }
            },
            Effect::Hold(HoldStep::Guard) => {
                let fits = self.world.side(loser).fence == Fence::Down;
                self.guard(rules, d, fits, self.world.side(loser).up && answers && !self.world.router.paused)
            }
            Effect::Hold(HoldStep::Pause | HoldStep::Resume) => done(self.command(Late::of(effect, run), rules)),
            Effect::Hold(HoldStep::Refuse) => self.refuse(rules, d, loser),
            Effect::LetWritesIn => self.let_writes_in(rules, d, Late::of(effect, run)),
            Effect::ShiftReads => done(answers),
        }
    }

    /// The loser refuses nobody yet, or by agreement; its stream alone carries rows.
    fn may_switch(&self, run: &Run) -> bool {
        let (loser, winner) = (self.world.side(run.loser()), self.world.side(run.winner));
        let held = self.journal.held && run.loser() == Side::Source;
        let stands = if held { Fence::Held } else { Fence::Down };
        loser.fence == stands && loser.valve && !winner.valve
    }

    fn guard(&mut self, rules: &Rules, d: u8, fits: bool, answers: bool) -> Acted {
        if !(fits && answers) {
            return Acted::Failed;
        }
        if d == 0 && rules.guard_is_watched {
            self.drivers[1] = Driver::Watching;
        }
        Acted::Done
    }

    /// Gains the locks. One that stands already is kept.
    fn raise(&mut self, d: u8, side: Side, epoch: u8) -> bool {
        let here = self.world.side_mut(side);
        match here.open {
            Some(open) => open.by == Some(d),
            None if here.up => {
                here.open = Some(Open { by: Some(d), epoch });
                true
            }
            None => false,
        }
    }

    fn commit(&mut self, rules: &Rules, side: Side) {
        let here = self.world.side_mut(side);
        if let Some(open) = here.open.take() {
            here.fence = Fence::Moved(open.epoch);
            here.valve &= !rules.fence_closes_the_stream;
        }
    }

    fn pass_the_point(&mut self, rules: &Rules, d: u8, run: &mut Run) -> Acted {
        let stands = self.world.side(run.loser()).open.is_some_and(|open| open.by == Some(d));
        if !stands && !run.past {
            return Acted::Failed;
        }
        if self.journal.holder != Some(d) && rules.journal_refuses_the_old_holder {
            return Acted::LeaseLost;
        }
        run.past = true;
        let was = self.journal;
        self.journal = Journal { epoch: was.epoch + 1, authority: run.winner, held: false, ..was };
        if let Some(open) = self.journal.run.as_mut() {
            open.past = true;
        }
        Acted::Done
    }

    /// Raised, the lease asked for, committed. Whoever sleeps in between finds the transaction gone, and whoever takes over
    /// waits until it is: so it is one act here.
    fn refuse(&mut self, rules: &Rules, d: u8, side: Side) -> Acted {
        let ours = self.journal.holder == Some(d) || !rules.journal_refuses_the_old_holder;
        let here = self.world.side_mut(side);
        match here.fence {
            Fence::Held if here.up => Acted::Done,
            Fence::Down if here.up && here.open.is_none() => {
                if !ours {
                    return Acted::LeaseLost;
                }
                here.fence = Fence::Held;
                Acted::Done
            }
            Fence::Held | Fence::Down | Fence::Moved(_) => Acted::Failed,
        }
    }

    fn let_writes_in(&mut self, rules: &Rules, d: u8, command: Late) -> Acted {
        let here = self.world.side(command.loser());
        match here.fence {
            Fence::Down if here.up => Acted::Done,
            Fence::Held if here.up => {
                if self.journal.holder != Some(d) && rules.journal_refuses_the_old_holder {
                    return Acted::LeaseLost;
                }
                done(self.command(command, rules))
            }
            Fence::Down | Fence::Held | Fence::Moved(_) => Acted::Failed,
        }
    }

    /// What the command of an effect does when it reaches a server or the router, whoever sent it and whenever.
    pub(super) fn command(&mut self, command: Late, rules: &Rules) -> bool {
        let (loser, winner) = (command.loser(), command.winner);
        let answers = self.world.router.answers;
        match command.effect {
            Effect::Switch(SwitchStep::Hold) | Effect::Hold(HoldStep::Pause) => self.world.router.paused |= answers,
            Effect::Switch(SwitchStep::Release) | Effect::Hold(HoldStep::Resume) => {
                self.world.router.paused &= !answers;
            }
            Effect::Switch(SwitchStep::Route) if answers => self.world.route(winner),
            Effect::Switch(SwitchStep::OpenWayBack) => {
                let here = self.world.side_mut(winner);
                if !here.up || here.open.is_some() || is_older(rules, here.fence, command.epoch) {
                    return false;
                }
                here.valve = true;
                return true;
            }
            // Before the first switch the target was never fenced.
            Effect::Switch(SwitchStep::LowerFence) if winner == Side::Target && command.epoch == 2 => {}
            Effect::Switch(SwitchStep::LowerFence) => return self.lower(rules, winner, Some(command.epoch)),
            Effect::LetWritesIn => return self.lower(rules, loser, None),
            Effect::Switch(SwitchStep::Fence) => {
                let here = self.world.side_mut(loser);
                if here.up && here.open.is_none() {
                    here.open = Some(Open { by: None, epoch: command.epoch });
                }
            }
            // On its own connection, whose process is gone: it counts only while the server has not noticed.
            Effect::Switch(SwitchStep::CommitFence) => {
                let here = self.world.side(loser);
                if here.open == Some(Open { by: None, epoch: command.epoch }) {
                    self.commit(rules, loser);
                }
            }
            Effect::Switch(
                SwitchStep::Route
                | SwitchStep::Guard
                | SwitchStep::ProveCaughtUp
                | SwitchStep::AdvanceSequences
                | SwitchStep::PointOfNoReturn
                | SwitchStep::Watch,
            )
            | Effect::Hold(HoldStep::Guard | HoldStep::Refuse)
            | Effect::ShiftReads => {}
        }
        answers
    }

    /// Lets writes in at a side. `epoch` is that of the switch that does so; None for a fence that was held by agreement.
    pub(super) fn lower(&mut self, rules: &Rules, side: Side, epoch: Option<u8>) -> bool {
        let here = self.world.side_mut(side);
        let refused = match epoch {
            Some(epoch) => is_older(rules, here.fence, epoch),
            None => rules.databases_refuse_the_old_epoch && matches!(here.fence, Fence::Moved(_)),
        };
        if !here.up || here.open.is_some() || refused {
            return false;
        }
        here.fence = Fence::Down;
        true
    }
}

/// Whether a switch of this epoch is older than the one that made the side refuse writes.
fn is_older(rules: &Rules, fence: Fence, epoch: u8) -> bool {
    match fence {
        Fence::Moved(by) => rules.databases_refuse_the_old_epoch && by >= epoch,
        Fence::Down | Fence::Held => false,
    }
}
