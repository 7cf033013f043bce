//! What is watched while a rung soaks: whether the traffic that is on the target already is well there.

use super::{Facts, GATES, Judged, Question, application, judged};
use crate::{Command, UnixMs, state::State, verdict::Verdict};

/// Gates that look at the world and at what is on the target now. The others are about time, people, the journal or the write
/// switch.
const WATCHED: [&str; 9] =
    ["lag", "consistency", "schema", "read_back", "latency", "errors", "application", "connections", "slots"];

/// Their answers about the present rung: nothing more is about to move.
pub fn watched(state: &State, facts: &Facts, now: UnixMs) -> Vec<Judged> {
    let command = Command::ShiftReads { percent: state.route.reads_on_target };
    let question = Question { command: &command, state, facts, now };
    let asked = |name| name != application::GATE.name || application::applies(state);
    GATES
        .iter()
        .filter(|gate| WATCHED.contains(&gate.name) && asked(gate.name))
        .map(|gate| judged(gate, &question))
        .collect()
}

impl Judged {
    /// Whether what it looks at is wrong now. What only has not held for long enough is well, and what nobody knows is not
    /// known to be wrong.
    pub fn is_wrong_now(&self) -> bool {
        matches!(self.verdict, Verdict::Fail { .. }) && self.opens_at.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{StreamFacts, tests::state},
        *,
    };
    use crate::headroom::{ConnectionFacts, Connections};

    #[test]
    fn only_what_is_wrong_now_is_wrong() {
        let lag = |newest, within_since| Facts {
            forward: StreamFacts { newest: Some(newest), within_since },
            ..Facts::default()
        };
        let wrong = |facts: &Facts| {
            watched(&state(), facts, 100_000)
                .into_iter()
                .filter(Judged::is_wrong_now)
                .map(|j| j.gate)
                .collect::<Vec<_>>()
        };
        assert_eq!(wrong(&Facts::default()), Vec::<String>::new(), "what nobody looked at is unknown");
        assert_eq!(wrong(&lag((100_000, 1_000.1), None)), ["lag"], "above the limit");
        assert_eq!(wrong(&lag((100_000, 1.0), Some(99_000))), Vec::<String>::new(), "within, though not for long");
    }

    #[test]
    fn the_present_rung_is_not_judged_by_what_the_next_one_would_need() {
        let side = |used, application| Connections { max: 100, reserved: 0, used, application };
        let facts = ConnectionFacts { at: 100_000, since: 0, samples: 30, source: side(90, 90), target: side(50, 40) };
        let facts = Facts { connections: Some(facts), ..Facts::default() };
        let mut state = state();
        state.route.reads_on_target = 25;
        let judged = watched(&state, &facts, 100_000).into_iter().find(|j| j.gate == "connections").unwrap();
        assert!(judged.verdict.opens(), "50 are free, and nobody is about to come: {:?}", judged.verdict);
    }
}
