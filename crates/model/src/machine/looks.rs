//! How an effect is taken back, and how it is looked for.

use super::{Effect, Fence, Machine, Rules, Run};
use crate::{hold::HoldStep, switch::SwitchStep};

impl Machine {
    /// Takes the effect back; false where that could not be done.
    pub(super) fn undo(&mut self, rules: &Rules, d: u8, run: &Run, effect: Effect) -> bool {
        match effect {
            Effect::Switch(SwitchStep::Hold) | Effect::Hold(HoldStep::Pause) => {
                if self.world.router.answers && rules.undo_lets_clients_go {
                    self.world.router.paused = false;
                }
                self.world.router.answers
            }
            Effect::Switch(SwitchStep::Fence) => {
                if rules.undo_lowers_the_fence {
                    self.world.roll_back(d);
                }
                true
            }
            // What was not announced did not act, and what stands there is not its own.
            Effect::Hold(HoldStep::Refuse) if !run.refusing || !rules.undo_lowers_the_fence => true,
            Effect::Hold(HoldStep::Refuse) => self.world.side(run.loser()).up && self.lower(rules, run.loser(), None),
            Effect::Switch(_) | Effect::Hold(_) | Effect::LetWritesIn | Effect::ShiftReads => true,
        }
    }

    /// Whether the effect is there; None where nobody answers.
    pub(super) fn observe(&self, rules: &Rules, d: u8, run: &Run, effect: Effect) -> Option<bool> {
        let (loser, winner) = (self.world.side(run.loser()), self.world.side(run.winner));
        let router = &self.world.router;
        let moved = matches!(loser.fence, Fence::Moved(_));
        let looked = |up: bool, there: bool| (up).then_some(there && rules.recovery_looks_first);
        match effect {
            Effect::Switch(step) => match step {
                SwitchStep::Guard => Some(true),
                SwitchStep::Hold => looked(router.answers, router.paused),
                SwitchStep::Fence => {
                    let ours = loser.open.is_some_and(|open| open.by == Some(d));
                    looked(loser.up, ours || moved)
                }
                SwitchStep::ProveCaughtUp | SwitchStep::AdvanceSequences if !rules.recovery_proves_anew => Some(true),
                SwitchStep::ProveCaughtUp | SwitchStep::AdvanceSequences => looked(loser.up, moved),
                SwitchStep::PointOfNoReturn => Some(run.past && rules.recovery_looks_first),
                SwitchStep::CommitFence => looked(loser.up, moved),
                SwitchStep::OpenWayBack => looked(winner.up, winner.valve),
                SwitchStep::LowerFence => looked(winner.up, winner.fence == Fence::Down),
                SwitchStep::Route => looked(router.answers, router.writes == run.winner),
                SwitchStep::Release => looked(router.answers, !router.paused),
                SwitchStep::Watch => Some(false),
            },
            Effect::Hold(HoldStep::Guard) => Some(false),
            Effect::Hold(HoldStep::Pause) => looked(router.answers, router.paused),
            Effect::Hold(HoldStep::Refuse) => looked(loser.up, loser.fence == Fence::Held),
            Effect::Hold(HoldStep::Resume) => looked(router.answers, !router.paused),
            Effect::LetWritesIn => looked(loser.up, loser.fence == Fence::Down),
            Effect::ShiftReads => Some(false),
        }
    }
}
