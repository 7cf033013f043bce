//! The one loop that runs any saga.
//!
//! Before the point of no return a failure undoes everything, newest first. After it a failure leaves the run open, and
//! [`finish`] runs the rest again until it is through. The two never share a path.

use std::time::Duration;

use switchyard_model::{
    journal::{Action, Entry, Outcome, Part, RunId},
    state::StepState,
};

use super::{Cx, Observed, Plan, PlannedStep, Step, failpoint, step::Watch, unwritten::Unwritten};
use crate::{
    error::{Error, Kind, Result, sentence},
    store::Durability,
};

/// For letting clients go where it is late already; all routers are asked at once.
const LET_GO: Duration = Duration::from_secs(2);

/// How a saga ended.
#[derive(Debug)]
pub enum Ended {
    /// Everything done.
    Done,
    /// A step failed before the point of no return; everything was taken back, or not (then `left` says what).
    TakenBack {
        /// What went wrong.
        error: Error,
        /// What could not be taken back.
        left: Vec<String>,
    },
    /// A step failed after the point of no return: the run stays open and has to be finished.
    Unfinished {
        /// What went wrong.
        error: Error,
    },
}

/// What becomes of clients while a run is finished.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clients {
    /// They are held until it is done.
    Wait,
    /// They have waited as long as was promised: nobody is held anew, and what still holds lets go. Whom the database refuses
    /// gets an error, and not silence; where writes may go, fences alone decide.
    GoOn,
}

/// What the steps would run, from the steps themselves.
pub async fn preview(cx: &Cx, plan: &Plan) -> Vec<PlannedStep> {
    let mut planned = Vec::with_capacity(plan.steps.len());
    for step in &plan.steps {
        planned.push(PlannedStep {
            name: step.name(),
            title: step.title(cx),
            deadline: step.deadline(cx),
            point_of_no_return: step.is_point_of_no_return(),
            actions: step.actions(cx).await.map_err(|e| e.to_string()),
        });
    }
    planned
}

/// Runs a saga from its first step and records its end.
///
/// # Errors
/// Only when the journal cannot be written; then nothing more was done, and clients that were held were released.
pub async fn run(cx: &Cx, plan: &Plan) -> Result<Ended> {
    // Clients must not wait while statements are being built, so all intents are known before the first act.
    let planned = preview(cx, plan).await;
    let mut runner = Runner::new(cx, plan);
    let mut past_no_return = false;
    for (index, (step, planned)) in plan.steps.iter().zip(planned).enumerate() {
        let actions = planned.actions.unwrap_or_default();
        match runner.step(step.as_ref(), actions, past_no_return).await {
            Ok(()) => past_no_return |= step.is_point_of_no_return(),
            // Somebody else drives now. Our open transaction goes; the routers are theirs.
            Err(error) if error.kind == Kind::LeaseLost => {
                let raised = cx.session.lock().await.raised.take();
                if let Some(raised) = raised {
                    raised.roll_back().await?;
                }
                return Err(error);
            }
            Err(error) if past_no_return => {
                return Ok(Ended::Unfinished { error });
            }
            Err(error) => {
                // The answer may have been lost after the entry was written: the journal decides, not the error.
                let past = if step.is_point_of_no_return() { is_past(cx).await } else { Ok(false) };
                if matches!(past, Ok(true)) {
                    tracing::warn!(error = %error, "the point of no return is in the journal although its write failed");
                    past_no_return = true;
                    continue;
                }
                let left = take_back(cx, &plan.steps[..=index]).await;
                if !left.is_empty() {
                    // Told here as well: the journal may be what failed.
                    tracing::error!(left = left.join("; "), "not everything could be taken back");
                }
                // Nobody can say whether the point of no return is in the journal. Clients go on at the loser, whose
                // fence fell, and the run stays open: recovery asks the journal once it can be read, and finishing
                // holds, fences and proves anew.
                past?;
                let summary = taken_back_summary(&error, &left, stays(&plan.steps[..=index]));
                let outcome = if left.is_empty() { Outcome::Undone } else { Outcome::Failed };
                end(cx, outcome, summary, None).await?;
                return Ok(Ended::TakenBack { error, left });
            }
        }
    }
    completed(runner, past_no_return).await
}

/// Records the end. Where everything is done and cannot be taken back, a journal that cannot be written now leaves the run
/// open: it is tried again, each second, until its end is on the disk.
async fn completed(runner: Runner<'_>, past_no_return: bool) -> Result<Ended> {
    match runner.complete().await {
        Ok(()) => Ok(Ended::Done),
        Err(e) if past_no_return && e.kind == Kind::Store => {
            let doing = "writing down that everything is done and clients go on";
            Ok(Ended::Unfinished { error: Error::new(e.kind, doing, e.to_string()).caused_by(e) })
        }
        Err(error) => Err(error),
    }
}

/// Whether the journal says that the point of no return is behind this run.
///
/// # Errors
/// When it cannot be read. Then nobody knows.
async fn is_past(cx: &Cx) -> Result<bool> {
    Ok(cx.book.catch_up().await?.open_run.is_some_and(|r| r.past_no_return))
}

/// Finishes a saga whose point of no return is behind it. Each step finds out for itself whether it is done.
///
/// # Errors
/// When somebody else drives, or the journal is damaged. One that cannot be written leaves the run unfinished, with clients
/// let go.
pub async fn finish(cx: &Cx, plan: &Plan, clients: Clients) -> Result<Ended> {
    let ended = go_through(cx, plan, clients).await;
    let is_over = matches!(ended, Ok(Ended::Done | Ended::TakenBack { .. }));
    if clients == Clients::GoOn && !is_over && plan.steps.iter().any(|s| s.is_inside_the_pause()) {
        // One pooler that is dead keeps nobody held at the others.
        if let Ok(Err(error)) = tokio::time::timeout(LET_GO, cx.pair.routers.release_all()).await {
            tracing::warn!(error = %error, "clients may still be held there");
        }
    }
    ended
}

async fn go_through(cx: &Cx, plan: &Plan, clients: Clients) -> Result<Ended> {
    let mut runner = Runner::new(cx, plan);
    let steps = plan.steps.iter().filter(|s| clients == Clients::Wait || !s.only_spares_clients());
    for step in steps {
        match step.observe(cx).await {
            Ok(Observed::Done) => {
                runner.found_done(step.name()).await?;
                continue;
            }
            Ok(Observed::NotDone) => {}
            Err(error) => return Ok(Ended::Unfinished { error }),
        }
        let actions = step.actions(cx).await.unwrap_or_default();
        if let Err(error) = runner.step(step.as_ref(), actions, true).await {
            return Ok(Ended::Unfinished { error });
        }
    }
    completed(runner, true).await
}

/// Takes back whatever an earlier process may have done of this saga, and ends its run.
///
/// # Errors
/// When the journal cannot be written.
pub async fn undo_all(cx: &Cx, plan: &Plan, why: &str) -> Result<Ended> {
    let before = plan.steps.iter().position(|s| s.is_point_of_no_return()).unwrap_or(plan.steps.len());
    let left = take_back(cx, &plan.steps[..before]).await;
    let error = Error::new(Kind::Contradiction, "recovering", why);
    let outcome = if left.is_empty() { Outcome::Undone } else { Outcome::Failed };
    let summary = match left.is_empty() {
        true => {
            let what = stays(&plan.steps[..before]).unwrap_or("Everything was taken back.").trim_end_matches('.');
            format!("{} {what}; it can be run again.", sentence(why))
        }
        false => taken_back_summary(&error, &left, None),
    };
    end(cx, outcome, summary, None).await?;
    Ok(Ended::TakenBack { error, left })
}

/// Runs steps and keeps the result of the one before, so that it goes to the disk together with the next intent: one
/// write to the journal per step instead of two.
struct Runner<'a> {
    cx: &'a Cx,
    plan: &'a Plan,
    done: Option<Entry>,
    unwritten: Unwritten,
    watch: Watch,
}

impl<'a> Runner<'a> {
    fn new(cx: &'a Cx, plan: &'a Plan) -> Self {
        Runner { cx, plan, done: None, unwritten: Unwritten::default(), watch: Watch::default() }
    }

    /// Records that a step was found done, once: an attempt each second must not fill the journal. The run is past its point
    /// of no return, so clients may be waiting for what comes next.
    async fn found_done(&mut self, step: &str) -> Result<()> {
        let cx = self.cx;
        let known = cx.book.state().await.open_run.is_some_and(|r| {
            r.steps.iter().any(|s| s.step == step && matches!(s.state, StepState::Done | StepState::Skipped))
        });
        if known {
            return Ok(());
        }
        let skipped = Entry::StepSkipped { run: cx.run, step: step.to_owned() };
        let entries = self.done.take().into_iter().chain([skipped]).collect();
        self.unwritten.append(&cx.book, entries, Durability::Disk, true).await
    }

    async fn step(&mut self, step: &dyn Step, actions: Vec<Action>, past_no_return: bool) -> Result<()> {
        let (cx, name) = (self.cx, step.name().to_owned());
        let began = cx.clock.instant();
        if step.is_inside_the_pause() && self.watch.began.is_none() {
            self.watch.began = Some(began);
            self.watch.began_at = cx.clock.now();
        }
        let mut entries: Vec<Entry> = self.done.take().into_iter().collect();
        entries.push(Entry::StepStarted { run: cx.run, step: name.clone(), actions });
        let clients_wait = past_no_return && step.is_inside_the_pause();
        self.unwritten.append(&cx.book, entries, step.durability(), clients_wait).await?;
        failpoint::hit("before", step.name());
        let result = tokio::select! {
            biased;
            result = within(step.deadline(cx), self.budget(step, past_no_return), step, cx) => result,
            () = cx.recall.cancelled(), if !past_no_return && !step.is_inside_the_pause() => Err(recalled(step, cx)),
        };
        failpoint::hit("after", step.name());
        cx.progress.clear();
        let ms = cx.ms_since(began);
        match result {
            Ok(output) => {
                if step.is_inside_the_pause() {
                    self.watch.parts.push(Part { step: name.clone(), ms });
                    self.watch.pause_ms = self.watch.began.map(|start| cx.ms_since(start));
                }
                self.done = Some(Entry::StepDone { run: cx.run, step: name, ms, output });
                Ok(())
            }
            Err(error) => {
                let failed = Entry::StepFailed {
                    run: cx.run,
                    step: name,
                    why: error.to_string(),
                    remedy: error.remedy().into(),
                };
                // Releasing clients matters more than recording why: a journal that cannot be written now is reported
                // when the end of the run is written.
                if let Err(e) = cx.book.append(vec![failed], step.durability()).await {
                    // Somebody else drives: the routers are theirs, and nothing is taken back behind their back.
                    if e.kind == Kind::LeaseLost {
                        return Err(e);
                    }
                    tracing::error!(error = %e, "a failed step could not be journaled");
                }
                Err(error)
            }
        }
    }

    /// What is left of the hold's deadline; None when clients do not wait, or when it no longer counts.
    fn budget(&self, step: &dyn Step, past_no_return: bool) -> Option<Duration> {
        if past_no_return || !step.is_inside_the_pause() {
            return None;
        }
        let whole = Duration::from_millis(u64::from(self.cx.state.limits().hold_deadline_ms));
        let clock = &self.cx.clock;
        let used = self.watch.began.map(|b| clock.instant().duration_since(b)).unwrap_or_default();
        // The monotonic clock stands still while a laptop sleeps, and the clients that are held do not.
        let slept = u64::try_from(clock.now() - self.watch.began_at).unwrap_or_default();
        Some(whole.saturating_sub(used.max(Duration::from_millis(slept))))
    }

    async fn complete(mut self) -> Result<()> {
        let summary = self.summary();
        let stopwatch = if self.plan.stopwatch { std::mem::take(&mut self.watch).stopwatch() } else { None };
        let mut entries: Vec<Entry> = self.done.take().into_iter().collect();
        entries.push(Entry::RunEnded { run: self.cx.run, outcome: Outcome::Done, summary, stopwatch });
        self.unwritten.append(&self.cx.book, entries, Durability::Disk, false).await
    }

    fn summary(&self) -> String {
        match self.watch.pause_ms {
            Some(ms) if self.plan.stopwatch => format!("{}: done. Clients waited {ms:.1} ms.", self.plan.title),
            _ => format!("{}: done.", self.plan.title),
        }
    }
}

/// A long step that is given up because somebody asked for writes at the source meanwhile.
fn recalled(step: &dyn Step, cx: &Cx) -> Error {
    Error::new(Kind::Refused, step.title(cx), "it was ended because writes are to go on at the source")
}

async fn within(deadline: Duration, budget: Option<Duration>, step: &dyn Step, cx: &Cx) -> Result<serde_json::Value> {
    let limit = budget.map_or(deadline, |b| b.min(deadline));
    // A write to the journal that was begun must not be given up half way: nobody would know whether it is there.
    if step.is_point_of_no_return() {
        return step.apply(cx).await;
    }
    match tokio::time::timeout(limit, step.apply(cx)).await {
        Ok(result) => result,
        Err(_) => Err(Error::new(
            Kind::Deadline,
            step.title(cx),
            format!("it took longer than its deadline of {:.1} s", limit.as_secs_f64()),
        )),
    }
}

/// Undoes steps, newest first, and says what could not be undone. Every undo runs even when one fails.
///
/// A step whose intent is not in the journal did not act, and what is there now is not its own: it is left alone. Only
/// where intents need not survive the machine, inside a write pause, an absent one proves nothing; those steps' undo does
/// no harm where nothing was done.
async fn take_back(cx: &Cx, steps: &[Box<dyn Step>]) -> Vec<String> {
    let mut left = Vec::new();
    let started: Vec<String> =
        cx.book.state().await.open_run.map_or_else(Vec::new, |r| r.steps.iter().map(|s| s.step.clone()).collect());
    for step in steps.iter().rev() {
        let name = step.name().to_owned();
        let known = started.contains(&name);
        if !known && step.durability() == Durability::Disk {
            continue;
        }
        if known {
            note(cx, Entry::UndoStarted { run: cx.run, step: name.clone() }).await;
        }
        let result = tokio::time::timeout(step.deadline(cx).max(Duration::from_secs(5)), step.undo(cx)).await;
        let result =
            result.unwrap_or_else(|_| Err(Error::new(Kind::Deadline, step.title(cx), "taking it back took too long")));
        match result {
            Ok(()) if known => note(cx, Entry::UndoDone { run: cx.run, step: name }).await,
            Ok(()) => {}
            Err(e) => {
                left.push(format!("{}: {e}", step.title(cx)));
                if known {
                    let (why, remedy) = (e.to_string(), e.remedy().to_owned());
                    note(cx, Entry::UndoFailed { run: cx.run, step: name, why, remedy }).await;
                }
            }
        }
    }
    left
}

/// Records while undoing. An undo goes on even when the journal cannot be written: clients wait.
async fn note(cx: &Cx, entry: Entry) {
    if let Err(e) = cx.book.append(vec![entry], Durability::Process).await {
        tracing::error!(error = %e, "an undo could not be journaled");
    }
}

async fn end(
    cx: &Cx,
    outcome: Outcome,
    summary: String,
    stopwatch: Option<switchyard_model::journal::Stopwatch>,
) -> Result<()> {
    let run: RunId = cx.run;
    cx.book.record(Entry::RunEnded { run, outcome, summary, stopwatch }).await?;
    Ok(())
}

/// What an undo of these steps leaves.
fn stays(steps: &[Box<dyn Step>]) -> Option<&'static str> {
    steps.iter().find_map(|step| step.stays())
}

fn taken_back_summary(error: &Error, left: &[String], stays: Option<&str>) -> String {
    if left.is_empty() {
        format!("{} {} {}", error.sentence(), stays.unwrap_or("Everything was taken back."), error.remedy())
    } else {
        format!("{} Not everything could be taken back: {}. {}", error.sentence(), left.join("; "), error.remedy())
    }
}
