//! How old what is shown is: everything that is measured again and again, and for how long one measurement counts.

use switchyard_model::{Side, lag::GAP_MS};

use super::Seen;
use crate::dto::*;

/// Servers, routers and slots are asked every two or three seconds; after three misses nobody is asking, or nobody
/// answers. The gate on the route counts the same.
pub(super) const LOOKED_MS: i64 = 10_000;

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
    if state.milestones.replicating.is_some() {
        for from in [state.authority, state.authority.other()] {
            let newest = snapshot.facts.stream_from(from).newest.map(|(at, _)| at);
            all.push(line(format!("lag {from} → {}", from.other()), newest, GAP_MS));
        }
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
