//! The machine as the checker sees it.

use std::{
    collections::HashMap,
    fmt,
    sync::{Mutex, PoisonError},
};

use stateright::{Checker, HasDiscoveries, Model, Property};
use switchyard_model::machine::{LAWS, Left, Machine, Move, Rules};

/// How much may happen.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    pub faults: u8,
    pub commands: u8,
    pub writes: u8,
}

/// Rules, and how far they are explored.
pub struct Explored {
    rules: Rules,
    bounds: Bounds,
    /// What becomes of a state depends on what is left of it when everybody is gone, and many states leave the same.
    rested: [Mutex<HashMap<Machine, bool>>; 2],
}

/// What was found.
pub struct Found {
    pub states: usize,
    pub broken: Option<Broken>,
}

/// A law that does not hold, and how a state was reached in which it does not.
pub struct Broken {
    pub law: &'static str,
    pub path: Vec<Move>,
    pub state: Machine,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "broken: {}", self.law)?;
        self.path.iter().try_for_each(|step| writeln!(f, "  {step:?}"))?;
        write!(f, "{:#?}", self.state)
    }
}

/// The first of the laws that ask what becomes of a state.
const RESTED: usize = LAWS.len() - 2;

fn law<const N: usize>(explored: &Explored, state: &Machine) -> bool {
    let holds = LAWS[N].holds;
    let Some(kept) = N.checked_sub(RESTED).map(|n| &explored.rested[n]) else { return holds(&explored.rules, state) };
    let rested = state.left_alone(&explored.rules);
    if let Some(known) = kept.lock().unwrap_or_else(PoisonError::into_inner).get(&rested) {
        return *known;
    }
    let answer = holds(&explored.rules, &rested);
    kept.lock().unwrap_or_else(PoisonError::into_inner).insert(rested, answer);
    answer
}

/// One function a law, for the checker takes no closures.
const CONDITIONS: [fn(&Explored, &Machine) -> bool; LAWS.len()] =
    [law::<0>, law::<1>, law::<2>, law::<3>, law::<4>, law::<5>, law::<6>, law::<7>, law::<8>, law::<9>, law::<10>];

impl Model for Explored {
    type State = Machine;
    type Action = Move;

    fn init_states(&self) -> Vec<Machine> {
        let Bounds { faults, commands, writes } = self.bounds;
        vec![Machine::new(Left { faults, commands, writes })]
    }

    fn actions(&self, state: &Machine, actions: &mut Vec<Move>) {
        actions.extend(state.moves(&self.rules));
    }

    fn next_state(&self, state: &Machine, action: Move) -> Option<Machine> {
        state.after(&self.rules, action)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        LAWS.iter().zip(CONDITIONS).map(|(law, condition)| Property::always(law.name, condition)).collect()
    }
}

impl Explored {
    /// By these rules, as far as this.
    pub fn by(rules: Rules, bounds: Bounds) -> Explored {
        Explored { rules, bounds, rested: Default::default() }
    }

    /// Goes through everything that can happen, nearest first, until a law is broken: any, or this one.
    pub fn explore(self, law: Option<&'static str>) -> Found {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let until = match law {
            Some(law) => HasDiscoveries::AnyOf([law].into()),
            None => HasDiscoveries::AnyFailures,
        };
        let checker = self.checker().threads(threads).finish_when(until).spawn_bfs().join();
        let broken = checker.discoveries().into_iter().find(|(found, _)| law.is_none_or(|law| *found == law));
        Found {
            states: checker.unique_state_count(),
            broken: broken.map(|(law, path)| Broken { law, state: *path.last_state(), path: path.into_actions() }),
        }
    }
}
