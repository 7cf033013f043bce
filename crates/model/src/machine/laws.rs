//! What has to hold in every state that can be reached.

use super::{Driver, Machine, Mode, Rules, Seen};
use crate::Side;

/// One law.
pub struct Law {
    /// Its name, in the words of the design.
    pub name: &'static str,
    /// Whether it holds here.
    pub holds: fn(&Rules, &Machine) -> bool,
}

/// All of them.
pub const LAWS: [Law; 11] = [
    Law { name: "one side at most accepts writes", holds: |_, m| !SIDES.iter().all(|s| m.world.accepts(*s)) },
    Law { name: "a side that accepts writes has every acknowledged one", holds: |_, m| has_all(m) },
    Law { name: "every acknowledged write is on both sides or on its way", holds: |_, m| travels(m) },
    Law { name: "the streams are never both open", holds: |_, m| !m.world.sides.iter().all(|s| s.valve) },
    Law {
        name: "whoever accepts writes has its way back open",
        holds: |_, m| accepting(m).all(|s| m.world.side(s).valve),
    },
    Law {
        name: "no value of a sequence is handed out twice",
        holds: |_, m| accepting(m).all(|s| m.world.side(s).sequences),
    },
    Law {
        name: "Unknown opens no gate",
        holds: |_, m| m.journal.run.is_none_or(|r| matches!(r.gate, None | Some(Seen::Pass))),
    },
    Law {
        name: "each switch makes one epoch",
        holds: |_, m| (m.journal.epoch % 2 == 1) == (m.journal.authority == Side::Source),
    },
    Law { name: "nobody is held unwatched", holds: |_, m| watched(m) },
    Law {
        name: "before the point of no return the databases are as before by themselves",
        holds: Machine::databases_recover,
    },
    Law { name: "whoever comes next ends the run, and there is a way back", holds: Machine::can_be_ended },
];

const SIDES: [Side; 2] = [Side::Source, Side::Target];

fn accepting(m: &Machine) -> impl Iterator<Item = Side> {
    SIDES.into_iter().filter(|s| m.world.accepts(*s))
}

fn has_all(m: &Machine) -> bool {
    accepting(m).all(|s| m.world.acknowledged & !m.world.side(s).rows == 0)
}

fn travels(m: &Machine) -> bool {
    let [source, target] = &m.world.sides;
    m.world.acknowledged & !((source.rows | target.leaving) & (target.rows | source.leaving)) == 0
}

/// A first attempt of the first process has its watchdog for as long as clients wait.
fn watched(m: &Machine) -> bool {
    let Some(drive) = m.drivers[0].drive().filter(|d| d.mode == Mode::Forward) else { return true };
    let holds = drive.run.program.holds_clients();
    // A pause that arrives late is seen by the guard, the first step.
    let waits = holds && drive.at > 0 && m.journal.holder == Some(0) && m.world.router.paused;
    // One that died itself was there.
    !waits || matches!(m.drivers[1], Driver::Watching | Driver::Dead)
}
