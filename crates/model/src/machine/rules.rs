//! The rules by which the machine moves, so that a test can break one of them and see that it was needed.

use super::{Effect, Program};

/// What the protocol stands on. [`Rules::engine`] is what the engine does; every other value is a wrong machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// The write switch.
    pub switch: Vec<Effect>,
    /// The hold.
    pub hold: Vec<Effect>,
    /// The offline strategy: writes may be held, and have to be before they move.
    pub offline: bool,
    /// The server takes an open fence back when its session is gone.
    pub fence_dies_with_its_session: bool,
    /// An append under an older generation of the lease is refused.
    pub journal_refuses_the_old_holder: bool,
    /// A database refuses what a switch sends it when the authority has moved on since.
    pub databases_refuse_the_old_epoch: bool,
    /// Only Pass opens a gate.
    pub unknown_is_shut: bool,
    /// A run that is taken back takes every step back.
    pub undo_lets_clients_go: bool,
    /// The same for the open fence and the refusal.
    pub undo_lowers_the_fence: bool,
    /// Recovery looks at the world before it acts; otherwise it does everything again.
    pub recovery_looks_first: bool,
    /// Recovery proves anew what was proven before the fence fell; otherwise it believes in what came before the point.
    pub recovery_proves_anew: bool,
    /// What is past the point of no return is finished; otherwise it is taken back.
    pub recovery_finishes: bool,
    /// The guard launches a watchdog.
    pub guard_is_watched: bool,
    /// A pause that arrives after its run is ended by whoever drives.
    pub stray_pause_is_ended: bool,
    /// A route that is against the journal after a switch is led back by whoever drives.
    pub stray_route_is_led_back: bool,
    /// The fence closes the loser's stream with its commit.
    pub fence_closes_the_stream: bool,
    /// The proof waits for a beat behind the fence.
    pub proof_waits: bool,
}

impl Rules {
    /// What the engine does.
    pub fn engine(offline: bool) -> Rules {
        Rules {
            switch: Program::Switch.steps(),
            hold: Program::Hold.steps(),
            offline,
            fence_dies_with_its_session: true,
            journal_refuses_the_old_holder: true,
            databases_refuse_the_old_epoch: true,
            unknown_is_shut: true,
            undo_lets_clients_go: true,
            undo_lowers_the_fence: true,
            recovery_looks_first: true,
            recovery_proves_anew: true,
            recovery_finishes: true,
            guard_is_watched: true,
            stray_pause_is_ended: true,
            stray_route_is_led_back: true,
            fence_closes_the_stream: true,
            proof_waits: true,
        }
    }

    /// The steps of a program under these rules.
    pub fn steps(&self, program: Program) -> &[Effect] {
        const RELEASE: &[Effect] = &[Effect::LetWritesIn];
        const READS: &[Effect] = &[Effect::ShiftReads];
        match program {
            Program::Switch => &self.switch,
            Program::Hold => &self.hold,
            Program::Release => RELEASE,
            Program::Reads => READS,
        }
    }
}
