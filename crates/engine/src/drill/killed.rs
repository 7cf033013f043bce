//! The drill in which the process that drives is killed: whoever looks on measures it, and takes over.

use std::time::{Duration, Instant};

use switchyard_model::{
    Command,
    drill::{Act, DrillOrder, DrillResult, Measured},
    journal::{Entry, RunId},
    state::{State, StepState},
};

use super::{
    Operator,
    back::{go_back, has_moved, wait_until_left},
    canary::Canary,
    front::Front,
    run::{check_ledger, ms, prepare},
};
use crate::{
    error::{Error, Kind, Result},
    saga::Book,
};

/// How often the journal is looked at.
const LOOK: Duration = Duration::from_millis(2);
/// How long the victim may take to get to the step in which it is killed.
const GETTING_THERE: Duration = Duration::from_secs(60);
/// How long another process may take until everything is back.
const RECOVERING: Duration = Duration::from_secs(60);

/// The process that is killed.
pub trait Victim: Send {
    /// Kills it as a power cut does.
    fn kill(&mut self);
}

/// Runs it: `start` launches a process that drives the migration and asks for the command; `take_over` makes this one drive.
/// What goes wrong is in the result.
pub async fn operator_killed(
    operator: &dyn Operator,
    book: &Book,
    drill: i64,
    order: &DrillOrder,
    fronts: &[Front],
    start: impl FnOnce(&Command) -> Result<Box<dyn Victim>> + Send,
    take_over: impl FnOnce() + Send,
) -> DrillResult {
    let mut measured = Measured::default();
    let played = play(operator, book, drill, order, fronts, &mut measured, start, take_over).await;
    if let Err(e) = played.and(leave_nothing(operator).await) {
        measured.troubles.push(format!("{} {}", e.sentence(), e.remedy()));
    }
    measured.judge(order)
}

/// Whatever was moved is back, also where the drill did not get to its end.
async fn leave_nothing(operator: &dyn Operator) -> Result<()> {
    if has_moved(operator).await? { go_back(operator).await } else { Ok(()) }
}

#[expect(clippy::too_many_arguments, reason = "what a host hands in, each used once")]
async fn play(
    operator: &dyn Operator,
    book: &Book,
    drill: i64,
    order: &DrillOrder,
    fronts: &[Front],
    measured: &mut Measured,
    start: impl FnOnce(&Command) -> Result<Box<dyn Victim>> + Send,
    take_over: impl FnOnce() + Send,
) -> Result<()> {
    let marks = prepare(operator.pair(), drill, &order.canary).await?;
    let mut canary = Canary::start(fronts, drill, marks).await?;
    let (command, step) = match order.act {
        Act::Reads { percent } => (Command::ShiftReads { percent }, "shift_reads"),
        Act::Writes => (Command::SwitchWrites, "fence"),
    };
    operator.say("another process begins the act".to_owned());
    let before = book.catch_up().await?.seq;
    let mut victim = start(&command)?;
    let reached = wait_for(book, GETTING_THERE, |state| has_begun(state, before, step)).await;
    let since = operator.clock().instant();
    canary.seen().begin(since, false);
    victim.kill();
    take_over();
    if !reached? {
        let why = format!("the other process did not get to “{step}” within {} s", GETTING_THERE.as_secs());
        return Err(Error::new(Kind::Deadline, "killing the operator's process", why));
    }
    operator.say("it was killed; this process takes over".to_owned());
    let run = before_run(book, before).await?;
    measured.noticed = noticed(book, run, since).await?;
    measured.decided_ms = measured.noticed.as_ref().map(|(at, _)| *at);
    if !wait_for(book, RECOVERING, |state| state.open_run.is_none()).await? {
        let why = format!("the run that it had begun was not ended within {} s", RECOVERING.as_secs());
        return Err(Error::new(Kind::Deadline, "recovering from the operator's death", why));
    }
    if has_moved(operator).await? {
        // It got through before it died, which is as good; only the way back is left.
        go_back(operator).await?;
    }
    measured.routed_back_ms = Some(ms(since, operator.clock().instant()));
    wait_until_left(operator, &canary).await?;
    canary.stop().await;
    canary.seen().tell(measured);
    measured.ledger = check_ledger(operator, &canary, drill).await?;
    Ok(())
}

/// Whether a run that began after this entry has got to the step.
fn has_begun(state: &State, before: i64, step: &str) -> bool {
    let run = state.open_run.as_ref().or(state.last_run.as_ref()).filter(|r| r.id > before);
    run.is_some_and(|r| r.steps.iter().any(|s| s.step == step && s.state != StepState::Skipped))
}

async fn before_run(book: &Book, before: i64) -> Result<RunId> {
    let state = book.catch_up().await?;
    Ok(state.open_run.or(state.last_run).map_or(before, |r| r.id))
}

/// When another process found the run open.
async fn noticed(book: &Book, run: RunId, since: Instant) -> Result<Option<(f64, String)>> {
    let began = Instant::now();
    while began.elapsed() < RECOVERING {
        let entries = book.store().journal(book.migration(), run).await?;
        if entries.iter().any(|e| matches!(&e.entry, Entry::Recovered { run: found, .. } if *found == run)) {
            return Ok(Some((
                since.elapsed().as_secs_f64() * 1000.0,
                "another process, which found the run open".to_owned(),
            )));
        }
        if book.catch_up().await?.open_run.is_none() {
            return Ok(Some((since.elapsed().as_secs_f64() * 1000.0, "another process, when all was over".to_owned())));
        }
        tokio::time::sleep(LOOK).await;
    }
    Ok(None)
}

async fn wait_for(book: &Book, longest: Duration, is_so: impl Fn(&State) -> bool) -> Result<bool> {
    let began = Instant::now();
    while began.elapsed() < longest {
        if is_so(&book.catch_up().await?) {
            return Ok(true);
        }
        tokio::time::sleep(LOOK).await;
    }
    Ok(false)
}
