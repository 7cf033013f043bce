//! Cases that are run by every `make test`: each that ever failed, and one of each kind of fault.

use std::time::Duration;

use switchyard_model::switch::SwitchStep;

use crate::{
    case::Case,
    fault::{Fault, Party, Rival},
    links::{Link, Trouble},
    point::{Point, Way, When},
};

/// A seed that failed once, what it was, and what was wrong.
pub struct Kept {
    pub seed: u64,
    pub case: &'static str,
    pub why: &'static str,
}

/// In the order in which they were found.
pub const KEPT: &[Kept] = &[
    Kept {
        seed: 87_002_188,
        case: "forward before:lower_fence, we are killed",
        why: "a client waited 30 s on a machine with a load of 16 on two cores; nothing else was wrong, and it has not come again",
    },
    Kept {
        seed: 376_820_655,
        case: "forward after:lower_fence, whoever finishes is killed too",
        why: "a client waited 23 s of the 20 that were allowed: two leases have to lapse, and compilers had the machine",
    },
    Kept { seed: 669_680_260, case: "back before:lower_fence, whoever finishes is killed too", why: "the same, 25 s" },
    Kept { seed: 754_388_305, case: "back after:lower_fence, whoever finishes is killed too", why: "the same, 27 s" },
];

pub fn kept() -> impl Iterator<Item = Case> {
    KEPT.iter().map(|kept| Case::of(kept.seed))
}

/// Kinds of faults that no other test has, each once, where it hurts. Crashes at every point, full disks and sleeping laptops have
/// tests of their own.
pub fn one_of_each_kind() -> impl Iterator<Item = Case> {
    let case = |way, when, step, fault, ms| Case {
        seed: 0,
        point: Point { way, when, step },
        fault,
        lasts: Duration::from_millis(ms),
    };
    let (forward, back, before, after) = (Way::Forward, Way::Back, When::Before, When::After);
    [
        case(back, before, SwitchStep::PointOfNoReturn, Fault::AnswerLost(2), 300),
        case(forward, before, SwitchStep::Fence, Fault::Raced(Rival::RollBack), 0),
        case(back, before, SwitchStep::Hold, Fault::ClockSet(3_600_000), 1_500),
        case(forward, after, SwitchStep::ProveCaughtUp, Fault::Dead(Party::Target), 800),
        case(forward, before, SwitchStep::Release, Fault::Dead(Party::Pooler), 300),
        case(back, after, SwitchStep::Route, Fault::Restarted(Party::Front), 0),
        case(forward, before, SwitchStep::Hold, Fault::Network(Link::ProductToPooler, Trouble::HalfOpen), 800),
        case(back, before, SwitchStep::ProveCaughtUp, Fault::Network(Link::SourceToTarget, Trouble::Silent), 800),
    ]
    .into_iter()
}
