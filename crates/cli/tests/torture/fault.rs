//! The faults, and how each is put on and taken off.

use std::{fmt, time::Duration};

use switchyard_rig::faults::Lost;

use crate::{
    arena::Arena,
    case::Dice,
    ctl::Frozen,
    links::{Link, Trouble},
};

/// A server of the world around us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Party {
    Source,
    Target,
    Pooler,
    Front,
}

/// What a second operator asks for at the same moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rival {
    Drive,
    Switch,
    RollBack,
}

/// One fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// SIGKILL of the process that drives.
    Killed,
    /// SIGKILL of that process and of its watchdog.
    KilledWithWatchdog,
    /// The same, and SIGKILL of the process that finishes it, at the next step.
    KilledTwice,
    /// SIGSTOP for longer than every deadline; it goes on when all is over.
    Slept,
    /// The disk under the store is full.
    DiskFull,
    /// After so many more answers one is lost, and every connection of ours with it: it was done, and nobody is told.
    AnswerLost(u32),
    /// A second `switchyardctl`.
    Raced(Rival),
    /// The time of day is set, by so many ms.
    ClockSet(i64),
    /// A server is killed, and started again after a while.
    Dead(Party),
    /// A server is restarted in order.
    Restarted(Party),
    /// A network has trouble.
    Network(Link, Trouble),
}

const PARTIES: [Party; 4] = [Party::Source, Party::Target, Party::Pooler, Party::Front];

impl Fault {
    /// One of all, by the dice; the kinds that have more variants come more often.
    pub fn draw(dice: &mut Dice) -> Fault {
        match dice.one_of(&[
            "killed", "killed", "both", "slept", "disk", "lost", "raced", "clock", "server", "server", "net", "net",
            "net", "net", "twice",
        ]) {
            "killed" => Fault::Killed,
            "both" => Fault::KilledWithWatchdog,
            "twice" => Fault::KilledTwice,
            "slept" => Fault::Slept,
            "disk" => Fault::DiskFull,
            "lost" => Fault::AnswerLost(dice.one_of(&[0, 1, 2, 3, 5, 8, 13, 21, 34])),
            "raced" => Fault::Raced(dice.one_of(&[Rival::Drive, Rival::Switch, Rival::RollBack])),
            "clock" => Fault::ClockSet(dice.one_of(&[3_600_000, -3_600_000, 10_000, -10_000, 2_000, -2_000])),
            "server" => {
                let party = dice.one_of(&PARTIES);
                dice.one_of(&[Fault::Dead(party), Fault::Restarted(party)])
            }
            _ => Fault::Network(dice.one_of(&Link::ALL), dice.one_of(&Trouble::ALL)),
        }
    }

    /// The row of the table.
    pub fn kind(&self) -> &'static str {
        match self {
            Fault::Killed => "we are killed",
            Fault::KilledWithWatchdog => "we and the watchdog are killed",
            Fault::KilledTwice => "whoever finishes is killed too",
            Fault::Slept => "we sleep",
            Fault::DiskFull => "disk full",
            Fault::AnswerLost(_) => "answer lost",
            Fault::Raced(_) => "second operator",
            Fault::ClockSet(_) => "clock set",
            Fault::Dead(Party::Source) | Fault::Restarted(Party::Source) => "source down",
            Fault::Dead(Party::Target) | Fault::Restarted(Party::Target) => "target down",
            Fault::Dead(Party::Pooler) | Fault::Restarted(Party::Pooler) => "pooler down",
            Fault::Dead(Party::Front) | Fault::Restarted(Party::Front) => "HAProxy down",
            Fault::Network(link, _) if link.is_ours() => "our network",
            Fault::Network(Link::SourceToTarget | Link::TargetToSource, _) => "a stream's network",
            Fault::Network(_, _) => "clients' network",
        }
    }

    /// Whether it goes on for a while.
    pub fn lasts(&self) -> bool {
        match self {
            Fault::Killed
            | Fault::KilledWithWatchdog
            | Fault::KilledTwice
            | Fault::Slept
            | Fault::Raced(_)
            | Fault::Restarted(_) => false,
            Fault::Network(_, Trouble::Cut | Trouble::Reset) => false,
            Fault::DiskFull | Fault::AnswerLost(_) | Fault::ClockSet(_) | Fault::Dead(_) | Fault::Network(_, _) => true,
        }
    }

    /// Puts it on; the process that drives stands still at its point.
    pub async fn put(&self, arena: &Arena, asleep: &Frozen) {
        match *self {
            // Done to the process itself, or beside it, by the run.
            Fault::Killed | Fault::KilledWithWatchdog | Fault::KilledTwice | Fault::Slept | Fault::Raced(_) => {}
            Fault::DiskFull => arena.fill_disk(asleep),
            Fault::AnswerLost(after) => arena.links.fuse.arm(Lost::Answer, after),
            Fault::ClockSet(ms) => arena.ctl.set_clock_wrong(ms),
            Fault::Dead(party) => arena.kill(party).await,
            Fault::Restarted(party) => arena.restart(party).await,
            Fault::Network(link, trouble) => arena.links.trouble(&arena.ctl.rig, link, trouble).await,
        }
    }

    /// Takes it off.
    pub async fn heal(&self, arena: &Arena, pid: u32) {
        match *self {
            Fault::Killed
            | Fault::KilledWithWatchdog
            | Fault::KilledTwice
            | Fault::Slept
            | Fault::Raced(_)
            | Fault::Restarted(_) => {}
            Fault::DiskFull => arena.make_room(pid),
            Fault::AnswerLost(_) => {
                arena.links.fuse.disarm();
            }
            Fault::ClockSet(_) => arena.ctl.set_clock_wrong(0),
            Fault::Dead(party) => arena.restart(party).await,
            Fault::Network(link, trouble) => arena.links.heal(&arena.ctl.rig, link, trouble).await,
        }
    }

    /// For how long clients may be without an answer for this fault's own sake.
    pub fn outage(&self, lasts: Duration) -> Duration {
        if self.lasts() { lasts } else { Duration::ZERO }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Fault::Killed | Fault::KilledWithWatchdog | Fault::KilledTwice | Fault::Slept | Fault::DiskFull => {
                f.write_str(self.kind())
            }
            Fault::AnswerLost(after) => write!(f, "answer lost after {after}"),
            Fault::Raced(Rival::Drive) => f.write_str("a second process drives"),
            Fault::Raced(Rival::Switch) => f.write_str("a second operator switches"),
            Fault::Raced(Rival::RollBack) => f.write_str("a second operator rolls back"),
            Fault::ClockSet(ms) => write!(f, "clock set by {ms} ms"),
            Fault::Dead(party) => write!(f, "{party:?} killed"),
            Fault::Restarted(party) => write!(f, "{party:?} restarted"),
            Fault::Network(link, trouble) => write!(f, "{} between {}", trouble.word(), link.word()),
        }
    }
}
