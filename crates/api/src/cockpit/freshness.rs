//! How old what is shown is: everything that is measured again and again, and for how long one measurement counts.

use switchyard_model::{Side, application, lag::GAP_MS, reads::COUNTS_MS};

use super::Seen;
use crate::dto::*;

/// Servers, routers and slots are asked every two or three seconds; after three misses nobody is asking, or nobody
/// answers. The gate on the route counts the same.
pub(crate) const LOOKED_MS: i64 = 10_000;

/// What is measured at this stage; nothing before the pair was first connected, and nothing after Cleanup.
pub(super) fn measured(seen: &Seen<'_>) -> Vec<Measured> {
    let (state, snapshot) = (seen.state, &seen.snapshot);
    if state.milestones.cleaned.is_some() {
        return Vec::new();
    }
    let line = |what: String, at, counts_ms| Measured { what, at, counts_ms };
    let mut all = vec![
        line("the source's server".to_owned(), snapshot.source.answered_at, LOOKED_MS),
        line("the target's server".to_owned(), snapshot.target.answered_at, LOOKED_MS),
    ];
    if !state.spec.routers.is_empty() {
        all.push(line("the routers".to_owned(), oldest_router(seen), LOOKED_MS));
    }
    if state.held.is_some() {
        all.push(line("the source's fence".to_owned(), snapshot.facts.hold.as_ref().map(|f| f.at), LOOKED_MS));
    }
    if !state.metrics.is_empty() {
        let read = |seq| snapshot.facts.application.as_ref().and_then(|facts| facts.of(seq)).map(|f| f.at);
        let oldest = state.metrics.iter().map(|m| read(m.seq)).min().flatten();
        all.push(line("the application's own metrics".to_owned(), oldest, application::COUNTS_MS));
    }
    if state.milestones.replicating.is_some() {
        for from in [state.authority, state.authority.other()] {
            let newest = snapshot.facts.stream_from(from).newest.map(|(at, _)| at);
            all.push(line(format!("lag {from} → {}", from.other()), newest, GAP_MS));
        }
        let facts = &snapshot.facts;
        all.push(line("reads on both sides".to_owned(), facts.latency.as_ref().map(|f| f.at), COUNTS_MS));
        all.push(line("errors on the target".to_owned(), facts.errors.as_ref().map(|f| f.at), COUNTS_MS));
        all.push(line("connections and kept log".to_owned(), facts.connections.as_ref().map(|f| f.at), LOOKED_MS));
        all.push(line("open transactions".to_owned(), facts.transactions.as_ref().map(|f| f.at), LOOKED_MS));
        for slot in &snapshot.slots {
            all.push(line(format!("the slot on the {}", slot.on), Some(slot.at), LOOKED_MS));
        }
    }
    all
}

fn oldest_router(seen: &Seen<'_>) -> Option<i64> {
    seen.snapshot.routers.iter().map(|r| r.at).min().flatten()
}

/// The route by the routers' own word.
pub(super) fn read_back(seen: &Seen<'_>) -> Option<ReadBack> {
    let back = seen.snapshot.facts.route.as_ref()?;
    let (agrees, says) = match &back.route {
        Err(why) => (None, why.clone()),
        Ok(route) => (Some(*route == seen.state.route), route.to_string()),
    };
    Some(ReadBack { at: back.at, counts_ms: LOOKED_MS, agrees, says })
}

/// The limit of the stream that leaves a side, ms: the gate's for the authority's own, the canary's for the way back.
pub fn lag_limit_ms(state: &switchyard_model::state::State, from: Side) -> u32 {
    if from == state.authority { state.limits().lag_limit_ms } else { state.limits().canary_max_age_ms }
}

#[cfg(test)]
mod tests {
    use switchyard_engine::facts::{RouterFact, Snapshot};
    use switchyard_model::{
        gate::{RouteReadBack, StreamFacts},
        journal::{Entry, Recorded},
        limits::Limits,
        migration::{MigrationSpec, Strategy},
        router::{Route, RouterConfig},
        state::{State, replay},
    };

    use super::*;

    fn state() -> State {
        let router = RouterConfig::HaProxy {
            address: "lb:9999".into(),
            rw_backend: "rw".into(),
            ro_backend: "ro".into(),
            source_server: "source".into(),
            target_server: "target".into(),
        };
        let spec = MigrationSpec {
            name: "shop".into(),
            strategy: Strategy::Live,
            source: "a".into(),
            target: "b".into(),
            routers: vec![router],
            limits: Limits::normal(),
        };
        let created = Recorded { seq: 1, at: 1, by: "ann".into(), generation: 0, entry: Entry::Created { spec } };
        let mut state = replay(&[created]).unwrap();
        state.milestones.replicating = Some(2);
        state
    }

    fn seen<'a>(state: &'a State, snapshot: Snapshot, now: i64) -> Seen<'a> {
        Seen {
            state,
            snapshot,
            // The document is rewritten each second, whatever is in it.
            measured_at: Some(now),
            analysis: None,
            shadow: None,
            lease: None,
            operator: "ann",
            now,
            have: Have::default(),
        }
    }

    fn silent_source() -> Snapshot {
        let mut snapshot = Snapshot::default();
        snapshot.facts.forward = StreamFacts { newest: Some((1_000, 4.0)), within_since: Some(0) };
        snapshot.facts.reverse = StreamFacts { newest: Some((19_500, 4.0)), within_since: Some(0) };
        snapshot.facts.route = Some(RouteReadBack { at: 19_000, route: Ok(Route::SOURCE), holding: false });
        snapshot.source.answered_at = Some(2_000);
        snapshot.target.answered_at = Some(19_000);
        snapshot.routers = vec![RouterFact {
            label: "HAProxy lb:9999".into(),
            clients: None,
            trouble: None,
            at: Some(19_000),
            holds: false,
            sentry: None,
        }];
        snapshot
    }

    #[test]
    fn what_is_old_is_told_by_its_own_age_and_not_by_the_documents() {
        let state = state();
        let cockpit = super::super::build(&seen(&state, silent_source(), 20_000));
        assert_eq!(cockpit.at, 20_000, "somebody drives, and has just written");
        let old: Vec<&str> = cockpit
            .measured
            .iter()
            .filter(|m| m.at.is_some_and(|at| 20_000 - at > m.counts_ms))
            .map(|m| m.what.as_str())
            .collect();
        assert_eq!(old, ["the source's server", "lag source → target"], "what the silent side had to answer");
        let checks: Vec<_> = cockpit.phases.iter().flat_map(|p| &p.checks).collect();
        let lag = checks.iter().find(|c| c.id == "gate.lag").unwrap();
        assert_eq!((lag.at, lag.counts_ms), (Some(1_000), Some(GAP_MS)), "a check is as old as its facts");
        assert!(!lag.verdict.opens(), "and opens nothing");
        let route = checks.iter().find(|c| c.id == "gate.read_back").unwrap();
        assert_eq!(route.at, Some(19_000), "others go on");
    }

    #[test]
    fn what_was_never_measured_is_missing_and_not_old() {
        let state = state();
        let all = measured(&seen(&state, Snapshot::default(), 20_000));
        assert!(all.iter().all(|m| m.at.is_none()), "{all:?}");
        let mut over = state.clone();
        over.milestones.cleaned = Some(3);
        assert!(
            measured(&seen(&over, silent_source(), 20_000)).is_empty(),
            "after Cleanup nothing is measured any more"
        );
    }

    #[test]
    fn a_router_that_says_something_else_does_not_agree() {
        let state = state();
        let back = |snapshot: Snapshot| read_back(&seen(&state, snapshot, 20_000)).unwrap().agrees;
        assert_eq!(back(silent_source()), Some(true));
        let mut other = silent_source();
        other.facts.route = Some(RouteReadBack {
            at: 19_000,
            route: Ok(Route { reads_on_target: 10, writes: Side::Source }),
            holding: false,
        });
        assert_eq!(back(other), Some(false), "somebody moved it by hand");
        let mut torn = silent_source();
        torn.facts.route = Some(RouteReadBack { at: 19_000, route: Err("they differ".into()), holding: false });
        assert_eq!(back(torn), None, "routers that disagree say nothing together");
    }

    #[test]
    fn what_the_asker_holds_does_not_travel_again() {
        use switchyard_engine::facts::{CopyFact, CopyState, CopyTableFact};
        let state = state();
        let mut snapshot = silent_source();
        let table = CopyTableFact { table: "public.a".into(), state: CopyState::Ready, rows_done: 1, rows_total: 1 };
        snapshot.copy = Some(CopyFact { tables: vec![table], rows_per_s: None, done: true });
        let ask = |have, done| {
            let mut snapshot = snapshot.clone();
            snapshot.copy.as_mut().unwrap().done = done;
            let cockpit = super::super::build(&Seen { have, ..seen(&state, snapshot, 20_000) });
            (cockpit.left_out.copy, cockpit.copy.is_some())
        };
        assert_eq!(ask(Have::default(), true), (false, true), "who holds nothing gets it");
        let holds = Have { copy_done: true, validation_at: None };
        assert_eq!(ask(holds, true), (true, false), "who holds a copy that is over does not");
        assert_eq!(ask(holds, false), (false, true), "a copy that goes on is another one");
    }
}
