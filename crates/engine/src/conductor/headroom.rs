//! A reconciler: counts both servers' connections, and the log they keep for our slots. The gates judge.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, PoisonError},
    time::Duration,
};

use switchyard_model::{
    Side, UnixMs,
    headroom::{COUNTS_MS, ConnectionFacts, Connections, SlotFacts, SlotRoom},
    state::State,
};

use super::{Live, reconcilers::is_ending};
use crate::{db::headroom::Room, error::Result, saga::Pair};

/// Longest that one look may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Over how long it is looked whether kept log grows, ms, against as long before.
const MINUTE_MS: i64 = 60_000;

/// What was seen lately.
#[derive(Default)]
pub(super) struct History {
    connections: VecDeque<(UnixMs, [Connections; 2])>,
    /// Since when the looks have had no break.
    since: Option<UnixMs>,
    kept: BTreeMap<(Side, String), VecDeque<(UnixMs, i64)>>,
}

/// One look.
pub(super) async fn look(live: Arc<Live>) {
    let state = live.book.state().await;
    let ready = state.milestones.prepared.is_some() && !is_ending(&state);
    let Some(pair) = live.pair().await.filter(|_| ready) else { return };
    let Ok(Ok(rooms)) = tokio::time::timeout(PATIENCE, rooms(&pair, &state)).await else {
        // What was seen last stays, with its age.
        return;
    };
    let (now, window) = (live.parts.clock.now(), i64::from(state.limits().headroom_window_s()) * 1000);
    let (connections, slots) = {
        let mut history = live.room.lock().unwrap_or_else(PoisonError::into_inner);
        let [source, target] = &rooms;
        let connections = history.count([source.connections, target.connections], now, window);
        (connections, history.slots(&rooms, now))
    };
    let facts = &mut live.snapshot().facts;
    facts.connections = Some(connections);
    facts.slots = Some(slots);
}

async fn rooms(pair: &Pair, state: &State) -> Result<[Room; 2]> {
    let (ours, theirs) = ([state.spec.slot(Side::Source)], [state.spec.slot(Side::Target)]);
    let (source, target) = tokio::try_join!(pair.source.headroom.room(&ours), pair.target.headroom.room(&theirs))?;
    Ok([source, target])
}

impl History {
    /// The most that was in use at once within the window.
    fn count(&mut self, sides: [Connections; 2], now: UnixMs, window_ms: i64) -> ConnectionFacts {
        // A gap in which nobody looked, or a clock that jumped: what was before says nothing of since when.
        let goes_on = self.connections.back().is_some_and(|(at, _)| (0..=COUNTS_MS).contains(&(now - at)));
        if !goes_on {
            self.connections.clear();
            self.since = Some(now);
        }
        self.connections.push_back((now, sides));
        self.connections.retain(|(at, _)| now - at < window_ms);
        let most = |side: usize| {
            self.connections.iter().fold(sides[side], |most, (_, seen)| Connections {
                used: most.used.max(seen[side].used),
                application: most.application.max(seen[side].application),
                ..most
            })
        };
        ConnectionFacts {
            at: now,
            since: self.since.unwrap_or(now),
            samples: u32::try_from(self.connections.len()).unwrap_or(u32::MAX),
            source: most(0),
            target: most(1),
        }
    }

    fn slots(&mut self, rooms: &[Room; 2], now: UnixMs) -> SlotFacts {
        let sides = [(Side::Source, &rooms[0]), (Side::Target, &rooms[1])];
        let seen: Vec<_> = sides.into_iter().flat_map(|(on, room)| room.slots.iter().map(move |s| (on, s))).collect();
        self.kept.retain(|(side, name), _| seen.iter().any(|(on, s)| on == side && s.name == *name));
        let slots = seen
            .into_iter()
            .map(|(on, slot)| {
                let before = self.kept.entry((on, slot.name.clone())).or_default();
                before.push_back((now, slot.kept_bytes));
                before.retain(|(at, _)| (0..2 * MINUTE_MS).contains(&(now - at)));
                SlotRoom {
                    name: slot.name.clone(),
                    on,
                    status: slot.status,
                    kept_bytes: slot.kept_bytes,
                    limit_bytes: slot.limit_bytes,
                    growth_per_min: growth(before, now),
                }
            })
            .collect();
        SlotFacts { at: now, slots }
    }
}

/// By how much the least that was kept in the last minute is more than the least in the minute before. What is kept goes up and down
/// like a saw, as the server moves a slot on now and then; its valleys tell whether it grows.
fn growth(kept: &VecDeque<(UnixMs, i64)>, now: UnixMs) -> Option<i64> {
    let seen_for = now - kept.front()?.0;
    if seen_for < 2 * MINUTE_MS - COUNTS_MS {
        return None;
    }
    let least =
        |newer: bool| kept.iter().filter(|(at, _)| (now - at < MINUTE_MS) == newer).map(|(_, bytes)| *bytes).min();
    Some(least(true)? - least(false)?)
}

#[cfg(test)]
mod tests {
    use switchyard_model::headroom::WalStatus;

    use super::*;
    use crate::db::headroom::KeptSlot;

    fn used(used: i64) -> [Connections; 2] {
        [Connections { max: 100, reserved: 3, used, application: used }; 2]
    }

    #[test]
    fn the_most_crowded_moment_of_the_window_counts() {
        let mut history = History::default();
        history.count(used(90), 0, 10_000);
        let facts = history.count(used(20), 2_000, 10_000);
        assert_eq!((facts.target.used, facts.samples, facts.since), (90, 2, 0));
        let facts = (2..=5).map(|i| history.count(used(20), i * 2_000, 10_000)).last().unwrap();
        assert_eq!((facts.target.used, facts.since), (20, 0), "it was ten seconds ago; looked at all the while");
    }

    #[test]
    fn a_gap_begins_anew() {
        let mut history = History::default();
        history.count(used(90), 0, 60_000);
        let facts = history.count(used(20), COUNTS_MS + 1, 60_000);
        assert_eq!((facts.target.used, facts.samples, facts.since), (20, 1, COUNTS_MS + 1), "nobody looked in between");
        let facts = history.count(used(10), 5_000, 60_000);
        assert_eq!((facts.samples, facts.since), (1, 5_000), "the clock was set back");
    }

    #[test]
    fn only_valleys_tell_that_kept_log_grows() {
        let rooms = |kept_bytes| {
            let slot = KeptSlot { name: "s".into(), status: WalStatus::Kept, kept_bytes, limit_bytes: None };
            let room = |slots| Room { connections: used(0)[0], slots };
            [room(vec![slot]), room(vec![])]
        };
        let grown = |base: fn(i64) -> i64, seconds: i64| {
            let mut history = History::default();
            let looks = (0..=seconds / 2).map(|i| history.slots(&rooms(base(i) + i % 8 * 100), i * 2_000));
            looks.last().unwrap().slots[0].growth_per_min
        };
        assert_eq!(grown(|_| 5, 100), None, "two minutes have not been seen");
        assert_eq!(grown(|_| 5, 130), Some(0), "a saw alone does not grow");
        let growth = grown(|i| i * 10, 130).unwrap();
        assert!((200..=400).contains(&growth), "thirty looks of ten a minute, within the saw: {growth}");
    }
}
