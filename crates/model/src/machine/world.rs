//! The world outside: two databases with their streams, and the router in front of them.

use crate::Side;

/// How a side refuses writes, committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fence {
    /// It refuses nobody.
    Down,
    /// By agreement.
    Held,
    /// Because writes moved in the switch of this epoch.
    Moved(u8),
}

/// An open transaction that holds a side's tables: writers wait. Its commit makes the fence permanent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Open {
    /// The process whose session it is; None when that is gone and the server has not noticed.
    pub by: Option<u8>,
    /// The epoch that its switch makes.
    pub epoch: u8,
}

/// One side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Database {
    /// Its fence.
    pub fence: Fence,
    /// A fence that is not committed.
    pub open: Option<Open>,
    /// Whether its stream to the other side carries rows.
    pub valve: bool,
    /// Acknowledged writes that are here, a bit each.
    pub rows: u8,
    /// Those that were committed here and have not arrived on the other side.
    pub leaving: u8,
    /// Its sequences are beyond every value the other side has handed out.
    pub sequences: bool,
    /// It answers.
    pub up: bool,
    /// Clients go there past the router: the source's always did, the target's since the router sent some.
    pub known: bool,
}

/// The router in front.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Router {
    /// It queues clients.
    pub paused: bool,
    /// Where it sends writes.
    pub writes: Side,
    /// It answers us. Clients go through it all the same when it does not.
    pub answers: bool,
}

/// Everything outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct World {
    /// Source and target.
    pub sides: [Database; 2],
    /// The router.
    pub router: Router,
    /// Writes that clients were told are done, a bit each.
    pub acknowledged: u8,
}

impl World {
    /// Replication runs, nothing has moved.
    pub fn new() -> World {
        let side = Database {
            fence: Fence::Down,
            open: None,
            valve: false,
            rows: 0,
            leaving: 0,
            sequences: false,
            up: true,
            known: false,
        };
        World {
            sides: [Database { valve: true, known: true, sequences: true, ..side }, side],
            router: Router { paused: false, writes: Side::Source, answers: true },
            acknowledged: 0,
        }
    }

    /// One side.
    pub fn side(&self, side: Side) -> &Database {
        match side {
            Side::Source => &self.sides[0],
            Side::Target => &self.sides[1],
        }
    }

    /// The same, to change it.
    pub fn side_mut(&mut self, side: Side) -> &mut Database {
        match side {
            Side::Source => &mut self.sides[0],
            Side::Target => &mut self.sides[1],
        }
    }

    /// Whether some client's write would be taken here, once this side answers.
    pub fn accepts(&self, side: Side) -> bool {
        let here = self.side(side);
        let reached = here.known || self.router.writes == side && !self.router.paused;
        reached && here.fence == Fence::Down && here.open.is_none()
    }

    /// Both sides and the router answer, and nobody is queued.
    pub fn is_healthy(&self) -> bool {
        self.sides.iter().all(|s| s.up) && self.router.answers && !self.router.paused
    }

    /// A client's write is acknowledged.
    pub(super) fn write(&mut self, side: Side) {
        let bit = 1 << self.acknowledged.count_ones();
        self.acknowledged |= bit;
        self.side_mut(side.other()).sequences = false;
        let here = self.side_mut(side);
        here.rows |= bit;
        if here.valve {
            here.leaving |= bit;
        }
    }

    /// What left a side arrives on the other.
    pub(super) fn deliver(&mut self, from: Side) {
        let carried = std::mem::take(&mut self.side_mut(from).leaving);
        self.side_mut(from.other()).rows |= carried;
    }

    /// A process is gone: the server will notice.
    pub(super) fn abandon(&mut self, process: u8) {
        for side in &mut self.sides {
            if let Some(open) = side.open.as_mut().filter(|open| open.by == Some(process)) {
                open.by = None;
            }
        }
    }

    /// A process takes its open fence back.
    pub(super) fn roll_back(&mut self, process: u8) {
        for side in &mut self.sides {
            if side.open.is_some_and(|open| open.by == Some(process)) {
                side.open = None;
            }
        }
    }

    /// The router sends writes here.
    pub(super) fn route(&mut self, side: Side) {
        self.router.writes = side;
        self.side_mut(side).known = true;
    }
}

impl Default for World {
    fn default() -> Self {
        World::new()
    }
}
