//! What of the journal and of the lease decides what happens next. `crate::state` is the real one; a test walks both side by
//! side.

use super::{Fence, Program, World};
use crate::{
    Side,
    switch::{Recovery, recovery},
    verdict::Verdict,
};

/// What a gate said when a run began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Seen {
    /// It holds.
    Pass,
    /// It does not.
    Fail,
    /// Nobody knows.
    Unknown,
}

impl Seen {
    /// The gate's own word on it.
    pub(super) fn opens(self) -> bool {
        match self {
            Seen::Pass => Verdict::pass("seen"),
            Seen::Fail => Verdict::fail("seen", "mend it"),
            Seen::Unknown => Verdict::unknown("nobody looked"),
        }
        .opens()
    }
}

/// How everything stood when a run began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Standings {
    /// The fences.
    pub fences: [Fence; 2],
    /// The valves.
    pub valves: [bool; 2],
}

impl Standings {
    /// As it is now, committed.
    pub fn of(world: &World) -> Standings {
        Standings { fences: world.sides.map(|s| s.fence), valves: world.sides.map(|s| s.valve) }
    }

    /// Whether it is so again. A hold may have been ended by a release that arrived late: writers write where they may, and
    /// gate and guard see it.
    pub(super) fn are_back(&self, world: &World) -> bool {
        let now = Standings::of(world);
        let same = |(was, is): (&Fence, &Fence)| was == is || *was == Fence::Held && *is == Fence::Down;
        now.valves == self.valves && self.fences.iter().zip(&now.fences).all(same)
    }
}

/// A run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Run {
    /// What is run.
    pub program: Program,
    /// Who gets the authority; of a hold or a release, the target.
    pub winner: Side,
    /// The epoch it makes.
    pub epoch: u8,
    /// The point of no return is behind it.
    pub past: bool,
    /// That the source is to refuse writes is announced.
    pub refusing: bool,
    /// What the gates said; None where there is none.
    pub gate: Option<Seen>,
    /// How everything stood before.
    pub before: Standings,
}

impl Run {
    /// Who gives the authority up; of a hold or a release, who refuses.
    pub fn loser(&self) -> Side {
        self.winner.other()
    }

    /// What whoever finds it open does with it.
    pub fn recovery(&self) -> Recovery {
        // Writers who were promised that they go on are not refused again.
        recovery(self.past || self.program == Program::Release)
    }
}

/// The journal as far as it decides, and the lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Journal {
    /// Increases with each change of the authority.
    pub epoch: u8,
    /// Whose writes count.
    pub authority: Side,
    /// Writes are held by agreement.
    pub held: bool,
    /// The open run.
    pub run: Option<Run>,
    /// A run that held clients has ended, so a pause that is found may be a late one of ours.
    pub held_clients: bool,
    /// The process with the lease, alive or not.
    pub holder: Option<u8>,
}

impl Journal {
    /// Replication runs, nothing has moved, and the first process drives.
    pub fn new() -> Journal {
        Journal { epoch: 1, authority: Side::Source, held: false, run: None, held_clients: false, holder: Some(0) }
    }
}

impl Default for Journal {
    fn default() -> Self {
        Journal::new()
    }
}
