//! The verifier: compares both sides in the background for as long as they are kept alike.
//!
//! It follows changes on both sides, runs full passes over tables that need one, and verifies changed rows as they come.
//! It only reads, stands aside while a switch runs, and never decides anything: what it finds goes to the store, and the
//! consistency gate judges it.

mod pass;
mod session;

use std::{sync::Arc, time::Duration};

use switchyard_model::{
    UnixMs,
    gate::ConsistencyFacts,
    reconcile::{Activity, Following, Standing, TableVerdict},
    state::State,
};
use tokio_util::sync::CancellationToken;

use super::Live;
use session::{End, Session};

/// A program that runs one command and ends need not begin to compare everything.
const SETTLING: Duration = Duration::from_secs(8);

/// How often it looks whether there is something to do.
const LOOK: Duration = Duration::from_secs(1);

/// How long it waits after something went wrong.
const AGAIN: Duration = Duration::from_secs(10);

/// Compares until stopped.
pub(super) async fn verify(live: Arc<Live>, stop: CancellationToken) {
    loop {
        let wait = match begin(&live).await {
            None => LOOK,
            Some(End::Over) => LOOK,
            Some(End::Trouble(why)) => {
                tracing::warn!(why, "the comparison in the background stopped");
                AGAIN
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// One session, where there is something to compare; None where there is not.
async fn begin(live: &Arc<Live>) -> Option<End> {
    let ready = live.age() > SETTLING && live.book.look(has_work).await;
    if !ready {
        show(live, |f| *f = Following { trouble: f.trouble.take(), ..Following::default() });
        return None;
    }
    live.pair().await?;
    let end = match Session::open(live.clone()).await {
        Ok(mut session) => {
            let end = session.run().await;
            session.close().await;
            end
        }
        Err(e) => End::Trouble(format!("{} {}", e.sentence(), e.remedy())),
    };
    let trouble = match &end {
        End::Over => None,
        End::Trouble(why) => Some(why.clone()),
    };
    show(live, |f| *f = Following { trouble, changed: f.changed, ..Following::default() });
    Some(end)
}

/// Whether both sides are meant to be alike: from the end of the initial copy to Cleanup.
fn has_work(state: &State) -> bool {
    state.milestones.replicating.is_some() && !super::reconcilers::is_ending(state)
}

/// Changes what is shown of it.
fn show(live: &Live, change: impl FnOnce(&mut Following)) {
    let now = live.parts.clock.now();
    let mut snapshot = live.snapshot();
    change(&mut snapshot.following);
    snapshot.following.at = now;
}

/// What the gate needs of the standings.
fn facts(standings: &[Standing], following: &Following) -> Option<ConsistencyFacts> {
    if standings.is_empty() {
        return None;
    }
    let mut facts = ConsistencyFacts { tables: standings.len(), ..ConsistencyFacts::default() };
    let mut oldest: Option<UnixMs> = Some(UnixMs::MAX);
    for standing in standings {
        facts.findings += standing.findings;
        facts.rows += standing.rows_source;
        match standing.verdict {
            TableVerdict::Equal => {}
            TableVerdict::Different => facts.different += 1,
            TableVerdict::Unproven | TableVerdict::NotCompared => facts.unproven += 1,
        }
        oldest = oldest.filter(|_| standing.full_at > 0).map(|o| o.min(standing.holds_at(following)));
    }
    facts.holds_at = oldest;
    Some(facts)
}

/// What it is at, by what the operator and the migration allow.
fn activity(paused: bool, stand_aside: bool, pass_runs: bool) -> Activity {
    match (paused, stand_aside, pass_runs) {
        (true, _, _) => Activity::Paused,
        (false, true, _) => Activity::Waiting,
        (false, false, true) => Activity::FullPass,
        (false, false, false) => Activity::Following,
    }
}
