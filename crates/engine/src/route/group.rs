//! Everything in front of the pair, as one: holds all or none, and merges what the routers say.
//!
//! It must never leave some routers holding because another could not.

use std::{sync::Arc, time::Duration};

use futures_util::future::{join_all, try_join_all};
use switchyard_model::{
    Side, UnixMs, gate::RouteReadBack, journal::Action, plan::live::Pool, router::Route, sources::SourceKind,
};
use tokio::time::timeout;

use super::{
    Capabilities, Router, RouterState, ServedBySide, Traffic,
    severable::{Line, Severable},
};
use crate::error::{Error, Kind, Result};

/// What a hold is called.
const HOLDING: &str = "holding writers";

/// For the routers that answer as they should; a RESUME takes a millisecond.
const AT_ONCE: Duration = Duration::from_millis(150);

/// For one router's word about itself.
const OBSERVE: Duration = Duration::from_secs(5);

/// The routers in front of a pair.
#[derive(Clone, Default)]
pub struct Routers {
    /// All of them, in the order of the configuration.
    pub all: Vec<Arc<dyn Router>>,
    /// Our connection to the first of them, which a drill may cut.
    pub line: Line,
}

/// One router's word about itself, or why there is none.
#[derive(Debug)]
pub struct Observed {
    /// The router.
    pub label: String,
    /// What it has a say in.
    pub can: Capabilities,
    /// Its answer.
    pub state: Result<RouterState>,
}

impl Routers {
    /// In the order of the configuration.
    pub fn new(mut all: Vec<Arc<dyn Router>>) -> Routers {
        let line = Line::default();
        if let Some(first) = all.first_mut() {
            *first = Arc::new(Severable::new(first.clone(), line.clone()));
        }
        Routers { all, line }
    }

    /// What they can do together.
    pub fn capabilities(&self) -> Capabilities {
        self.all.iter().map(|r| r.capabilities()).fold(Capabilities::default(), |a, b| Capabilities {
            hold: a.hold || b.hold,
            shift_reads: a.shift_reads || b.shift_reads,
            point_writes: a.point_writes || b.point_writes,
        })
    }

    fn able(&self, can: fn(&Capabilities) -> bool) -> Vec<&Arc<dyn Router>> {
        self.all.iter().filter(|r| can(&r.capabilities())).collect()
    }

    fn require(&self, can: fn(&Capabilities) -> bool, doing: &str) -> Result<Vec<&Arc<dyn Router>>> {
        let able = self.able(can);
        if able.is_empty() {
            return Err(Error::new(
                Kind::Refused,
                doing,
                "no router in front of the pair can do that; add one that can",
            ));
        }
        Ok(able)
    }

    /// Commands of [`Routers::hold_all`].
    pub fn hold_actions(&self) -> Vec<Action> {
        self.able(|c| c.hold).iter().flat_map(|r| r.hold_actions()).collect()
    }

    /// Makes every holding router queue its writers, all at once. All or none: when one fails or the deadline passes,
    /// every router that is or might be holding lets go again.
    ///
    /// # Errors
    /// The error of the router that failed. `Contradiction` when one that might be holding could not be released.
    pub async fn hold_all(&self, deadline: Duration) -> Result<()> {
        let Err(failed) = self.try_hold(deadline).await else { return Ok(()) };
        // One that failed may hold all the same: its answer may have been lost.
        match self.release_all().await {
            Ok(()) => Err(failed),
            Err(stuck) => {
                let why = format!("{failed}; letting clients go on failed too: {stuck}");
                Err(Error::new(Kind::Contradiction, HOLDING, why).caused_by(stuck))
            }
        }
    }

    /// The same for a caller who takes a failure back himself, with more patience than clients have: those routers that
    /// answer at once let go at once, and one that is silent does not keep the failure's sentence back.
    ///
    /// # Errors
    /// The error of the router that failed. Some may still hold.
    pub async fn hold_all_or_tell(&self, deadline: Duration) -> Result<()> {
        let held = self.try_hold(deadline).await;
        if held.is_err() {
            // What is left is the caller's.
            let _ = timeout(AT_ONCE, self.release_all()).await;
        }
        held
    }

    async fn try_hold(&self, deadline: Duration) -> Result<()> {
        let able = self.require(|c| c.hold, HOLDING)?;
        let held = try_join_all(able.iter().map(|r| async move {
            match timeout(deadline, r.hold()).await {
                Ok(result) => result,
                Err(_) => {
                    let why = format!("it did not hold within {deadline:?}");
                    Err(Error::new(Kind::Deadline, format!("holding clients at {}", r.label()), why))
                }
            }
        }));
        // The first failure ends the wait for the others: their clients are queued already.
        held.await.map(|_| ())
    }

    /// Commands of [`Routers::release_all`].
    pub fn release_actions(&self) -> Vec<Action> {
        self.able(|c| c.hold).iter().flat_map(|r| r.release_actions()).collect()
    }

    /// Lets all clients go on; tries every router even when one fails. Nothing to do where nobody holds.
    pub async fn release_all(&self) -> Result<()> {
        let released = join_all(self.able(|c| c.hold).into_iter().map(|r| r.release())).await;
        first_error(released, "letting clients go on")
    }

    /// Commands of [`Routers::shift_reads`].
    pub fn shift_reads_actions(&self, percent: u8) -> Vec<Action> {
        let shifts = self.able(|c| c.shift_reads).into_iter().flat_map(move |r| r.shift_reads_actions(percent));
        shifts.chain(self.all.iter().flat_map(|r| r.renew_readers_actions())).collect()
    }

    /// Sends this share of reads to the target, then makes pooled readers follow.
    pub async fn shift_reads(&self, percent: u8) -> Result<()> {
        let doing = "shifting reads";
        let able = self.require(|c| c.shift_reads, doing)?;
        first_error(join_all(able.into_iter().map(|r| r.shift_reads(percent))).await, doing)?;
        first_error(join_all(self.all.iter().map(|r| r.renew_readers())).await, "renewing readers' connections")
    }

    /// Commands of [`Routers::renew_writers`].
    pub fn renew_writers_actions(&self) -> Vec<Action> {
        self.all.iter().flat_map(|r| r.renew_writers_actions()).collect()
    }

    /// Makes pooled writers begin anew on every router, so that they get a role's new settings.
    pub async fn renew_writers(&self) -> Result<()> {
        first_error(join_all(self.all.iter().map(|r| r.renew_writers())).await, "renewing writers' connections")
    }

    /// Commands of [`Routers::point_writes`].
    pub fn point_writes_actions(&self, side: Side) -> Vec<Action> {
        self.able(|c| c.point_writes).into_iter().flat_map(|r| r.point_writes_actions(side)).collect()
    }

    /// Points writes at a side, on every router that can, all at once.
    pub async fn point_writes(&self, side: Side) -> Result<()> {
        let doing = format!("pointing writes at the {side}");
        let able = self.require(|c| c.point_writes, &doing)?;
        first_error(join_all(able.into_iter().map(|r| r.point_writes(side))).await, &doing)
    }

    /// Asks all of them at once; one that is silent does not keep the others' answers back.
    pub async fn observe_all(&self) -> Vec<Observed> {
        join_all(self.all.iter().map(|r| async move {
            let state = match timeout(OBSERVE, r.observe()).await {
                Ok(state) => state,
                Err(_) => {
                    let why = format!("no answer within {OBSERVE:?}");
                    Err(Error::new(Kind::Deadline, format!("asking {}", r.label()), why))
                }
            };
            Observed { label: r.label().to_owned(), can: r.capabilities(), state }
        }))
        .await
    }

    /// Asks all that keep pools for them, at once; one that is silent does not keep the others' answers back.
    pub async fn pools_all(&self) -> Vec<(String, Result<Vec<Pool>>)> {
        let asked = join_all(self.all.iter().map(|r| async move {
            let pools = timeout(OBSERVE, r.pools()).await.unwrap_or_else(|_| {
                let why = format!("no answer within {OBSERVE:?}");
                Err(Error::new(Kind::Deadline, format!("asking {} for its pools", r.label()), why))
            });
            pools.transpose().map(|pools| (r.label().to_owned(), pools))
        }));
        asked.await.into_iter().flatten().collect()
    }

    /// Asks all that count their traffic for it, at once.
    pub async fn traffic_all(&self) -> Vec<(String, SourceKind, Result<Vec<Traffic>>)> {
        let asked = join_all(self.all.iter().map(|r| async move {
            let kind = r.counts_by()?;
            let traffic = timeout(OBSERVE, r.traffic()).await.unwrap_or_else(|_| {
                let why = format!("no answer within {OBSERVE:?}");
                Err(Error::new(Kind::Deadline, format!("asking {} for its counters", r.label()), why))
            });
            Some((r.label().to_owned(), kind, traffic.map(Option::unwrap_or_default)))
        }));
        asked.await.into_iter().flatten().collect()
    }

    /// Asks all of them what failed, at once; None of one that does not count it.
    pub async fn served_all(&self) -> Vec<(String, Result<Option<ServedBySide>>)> {
        join_all(self.all.iter().map(|r| async move {
            let served = timeout(OBSERVE, r.served()).await.unwrap_or_else(|_| {
                let why = format!("no answer within {OBSERVE:?}");
                Err(Error::new(Kind::Deadline, format!("asking {} what failed", r.label()), why))
            });
            (r.label().to_owned(), served)
        }))
        .await
    }

    /// Asks all of them and merges their words into the fact that the gate judges.
    pub async fn read_back(&self, now: UnixMs) -> RouteReadBack {
        merge(&self.observe_all().await, now)
    }
}

/// One route where all agree; otherwise a sentence who says what.
pub fn merge(observed: &[Observed], now: UnixMs) -> RouteReadBack {
    let holding = observed.iter().filter_map(|o| o.state.as_ref().ok()).any(|s| s.holding == Some(true));
    RouteReadBack { at: now, route: route(observed), holding }
}

fn route(observed: &[Observed]) -> std::result::Result<Route, String> {
    let silent: Vec<String> = observed.iter().filter_map(|o| o.state.as_ref().err().map(ToString::to_string)).collect();
    if !silent.is_empty() {
        return Err(silent.join("; "));
    }
    let reads = |o: &Observed| o.can.shift_reads.then(|| o.state.as_ref().ok().and_then(|s| s.reads_on_target));
    let writes = |o: &Observed| o.can.point_writes.then(|| o.state.as_ref().ok().and_then(|s| s.writes));
    Ok(Route {
        reads_on_target: agreed(observed, "where reads go", reads, |p| format!("{p} % of reads on target"))?,
        writes: agreed(observed, "where writes go", writes, |side| format!("writes on {side}"))?,
    })
}

/// The one answer of all that have a say in it. `part` gives None for those that have none, and Some(None) for one that
/// has and does not know; its warning says why.
fn agreed<T: PartialEq + Copy>(
    observed: &[Observed],
    what: &str,
    part: impl Fn(&Observed) -> Option<Option<T>>,
    say: impl Fn(T) -> String,
) -> std::result::Result<T, String> {
    let mut said: Vec<(&str, T)> = Vec::new();
    for o in observed {
        match part(o) {
            None => {}
            Some(Some(answer)) => said.push((&o.label, answer)),
            Some(None) => {
                let why = o.state.as_ref().ok().and_then(|s| s.warning.as_deref()).unwrap_or("it gives no reason");
                return Err(format!("{} cannot say {what}: {why}", o.label));
            }
        }
    }
    match said.as_slice() {
        [] => Err(format!("no router in front of the pair says {what}")),
        [(_, first), rest @ ..] if rest.iter().all(|(_, other)| other == first) => Ok(*first),
        all => {
            let words: Vec<String> = all.iter().map(|(label, t)| format!("{label} says {}", say(*t))).collect();
            Err(format!("the routers disagree: {}", words.join(", ")))
        }
    }
}

/// All went well, or one error: the first as it is, more of them joined.
fn first_error(results: Vec<Result<()>>, doing: &str) -> Result<()> {
    let mut errors: Vec<Error> = results.into_iter().filter_map(Result::err).collect();
    match errors.len() {
        0 => Ok(()),
        1 => errors.pop().map_or(Ok(()), Err),
        _ => {
            let why: Vec<String> = errors.iter().map(ToString::to_string).collect();
            Err(Error::new(errors[0].kind, doing, why.join("; ")).caused_by(errors.swap_remove(0)))
        }
    }
}

#[cfg(test)]
mod tests;
