//! A reconciler: runs the drill that was asked for, asks for the one that is due by plan, and ends one whose process died.

use std::sync::Arc;

use async_trait::async_trait;
use switchyard_model::{
    Command,
    drill::{DrillRecord, DrillResult, Failure, Measured},
    gate::{self, Judged},
    journal::Entry,
    state::State,
};

use super::{Event, Live, Tone, commands, reconcilers::is_ending};
use crate::{
    clock::SharedClock,
    drill::{self, Operator},
    error::{Error, Result},
    saga::Pair,
    store::TicketState,
};

/// A drill that somebody else looks on at is given up after this, ms: its process is gone.
const GIVEN_UP_MS: i64 = 5 * 60_000;

/// One look.
pub(super) async fn look(live: Arc<Live>) {
    if let Err(e) = step(&live).await {
        tracing::warn!(error = %e, "a drill could not be begun or ended");
    }
}

async fn step(live: &Arc<Live>) -> Result<()> {
    // Looked at where it is: twice a second the state is not copied for nothing.
    if !live.book.look(has_work).await {
        return Ok(());
    }
    let state = live.book.state().await;
    let Some(open) = state.open_drill().cloned() else { return ask_by_plan(live, &state).await };
    let now = live.parts.clock.now();
    if open.order.failure == Failure::OperatorKilled && now - open.began.unwrap_or(open.asked) < GIVEN_UP_MS {
        // Whoever asked for it looks on, and ends it.
        return Ok(());
    }
    let Some(pair) = live.pair().await else { return Ok(()) };
    let operator = Conducted { live: live.clone(), pair };
    let result = match open.began {
        Some(_) => drill::cut_short(&operator, &open.order).await,
        None => begin(live, &operator, &open).await?,
    };
    end(live, &open, result, &state.spec.name).await
}

/// Whether a drill is asked for or planned on a pair that can be rehearsed on.
fn has_work(state: &State) -> bool {
    let wanted = state.open_drill().is_some() || state.drill_plan.is_some();
    wanted && state.milestones.replicating.is_some() && !is_ending(state)
}

async fn begin(live: &Live, operator: &Conducted, open: &DrillRecord) -> Result<DrillResult> {
    live.book.record(Entry::DrillBegan { drill: open.id }).await?;
    let state = live.book.state().await;
    Ok(match drill::fronts(&state.spec, &open.order.canary, &live.parts.keychain).await {
        Ok(fronts) => drill::run(operator, open.id, &open.order, &fronts).await,
        Err(e) => refused(open, &e),
    })
}

/// The result of a drill that did not begin.
fn refused(open: &DrillRecord, e: &Error) -> DrillResult {
    let why_not = vec![format!("{} {}", e.sentence(), e.remedy())];
    DrillResult { why_not, ..Measured::default().judge(&open.order) }
}

async fn end(live: &Live, open: &DrillRecord, result: DrillResult, migration: &str) -> Result<()> {
    let title = format!("Drill “{}”: {}", open.order.failure.title(), if result.passed { "passed" } else { "failed" });
    let tone = if result.passed { Tone::Good } else { Tone::Bad };
    let body = match (&result.total_ms, result.why_not.first()) {
        (_, Some(why)) => why.clone(),
        (Some(total), None) => format!("Everything was back after {total:.0} ms; nothing was lost."),
        (None, None) => String::new(),
    };
    live.progress.clear();
    live.book.record(Entry::DrillEnded { drill: open.id, result }).await?;
    live.tell(Event::Notice { migration: migration.to_owned(), title, body, tone });
    Ok(())
}

/// Asks for the drill that is due, where one can begin and its act's gates are open; else it is looked at again.
async fn ask_by_plan(live: &Live, state: &State) -> Result<()> {
    let Some(plan) = &state.drill_plan else { return Ok(()) };
    let due = live.parts.clock.now() >= plan.next(&state.drills);
    let can = state.open_run.is_none() && state.allows_drill(&plan.order).is_ok();
    if due && can && gate::open(&commands::judge(live, &plan.order.act.command(), state).await) {
        live.book.record(Entry::DrillAsked { order: plan.order.clone() }).await?;
    }
    Ok(())
}

/// What a drill may do, by way of the queue.
struct Conducted {
    live: Arc<Live>,
    pair: Pair,
}

#[async_trait]
impl Operator for Conducted {
    fn pair(&self) -> &Pair {
        &self.pair
    }

    fn clock(&self) -> &SharedClock {
        &self.live.parts.clock
    }

    async fn state(&self) -> Result<State> {
        Ok(self.live.book.state().await)
    }

    async fn gates(&self, command: &Command) -> Vec<Judged> {
        let state = self.live.book.state().await;
        commands::judge(&self.live, command, &state).await
    }

    async fn ask(&self, command: Command) -> Result<TicketState> {
        drill::ask(&self.live.parts, self.live.book.migration(), &command).await
    }

    fn say(&self, line: String) {
        self.live.progress.say(format!("Drill: {line}"));
    }
}
