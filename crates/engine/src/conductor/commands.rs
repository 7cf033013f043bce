//! The queue: tickets are taken one at a time, judged, run and answered.

use std::{sync::Arc, time::Duration};

use switchyard_model::{
    Command,
    gate::{self, Question},
    journal::Entry,
    state::State,
    switch::Recovery,
    verdict::Verdict,
};
use tokio_util::sync::CancellationToken;

use super::{Event, Live, Tone, held, reconcilers, recovery, soak, transactions};
use crate::{
    error::{self, Error, Kind, Result},
    phases,
    saga::{self, Ended},
    store::{Ticket, TicketState},
};

/// How often the queue is looked at; a person who presses a button does not notice this.
const LOOK: Duration = Duration::from_millis(60);

/// How long after it has begun a conductor waits for its first measurements before it refuses for want of them.
const SETTLING: Duration = Duration::from_secs(8);

/// How many looks a new conductor gets to connect the pair: six seconds, one more than a login may take.
const CONNECT_LOOKS: u32 = 100;

/// Serves the queue until stopped. Begins with whatever an earlier process left open.
pub(super) async fn serve(live: &Arc<Live>, stop: &CancellationToken) -> Result<()> {
    let migration = live.book.migration();
    live.parts
        .store
        .end_orphans(migration, "The process that ran it ended or slept, and another one took the run over.")
        .await?;
    let mut changes = live.parts.store.changes();
    let mut unanswered = false;
    while !stop.is_cancelled() {
        tokio::select! {
            () = stop.cancelled() => break,
            () = tokio::time::sleep(LOOK) => {}
        }
        if live.book.look(|state| state.open_run.is_some()).await {
            recovery::step(live, stop).await?;
            continue;
        }
        if unanswered {
            live.parts.store.end_orphans(migration, "How it ended could not be written at first.").await?;
            unanswered = false;
        }
        if !changes.any() {
            continue;
        }
        if let Some(ticket) = live.parts.store.next_ticket(migration).await? {
            unanswered = take(live, ticket).await? == Answer::Unwritten;
        }
    }
    Ok(())
}

/// Whether whoever asked can read how it ended.
#[derive(PartialEq)]
enum Answer {
    Written,
    Unwritten,
}

async fn take(live: &Arc<Live>, ticket: Ticket) -> Result<Answer> {
    live.parts.store.set_ticket(ticket.id, &TicketState::Running).await?;
    let result = execute(live, &ticket).await;
    let state = match result {
        Ok(state) => state,
        // Refusals touched nothing. A lease or journal that is gone ends this conductor, after the answer.
        Err(e) if matches!(e.kind, Kind::LeaseLost | Kind::Store | Kind::StoreDamaged) => {
            let summary = format!("{} {}", e.sentence(), e.remedy());
            live.parts.store.set_ticket(ticket.id, &TicketState::Failed { summary }).await?;
            return Err(e);
        }
        Err(e) => TicketState::Refused { why: refusal(&e) },
    };
    notify(live, &ticket.command, &state).await;
    match live.parts.store.set_ticket(ticket.id, &state).await {
        // Without its answer the ticket is an orphan, which is ended once the run is. Ending this conductor would leave
        // nobody to finish what cannot be taken back.
        Err(e) if e.kind == Kind::Store && live.book.look(|s| s.recovery() == Some(Recovery::Finish)).await => {
            tracing::error!(error = %e, "how the command ended could not be written");
            Ok(Answer::Unwritten)
        }
        other => other.map(|()| Answer::Written),
    }
}

async fn execute(live: &Arc<Live>, ticket: &Ticket) -> Result<TicketState> {
    let state = live.book.catch_up().await?;
    state.allows(&ticket.command).map_err(|why| refused(&ticket.command, why))?;
    if let Some(why) = soak::overtaken(ticket, &state) {
        return Err(refused(&ticket.command, why));
    }
    let gates = settled(live, &ticket.command, &state).await;
    if let Some(closed) = gates.iter().find(|g| !g.verdict.opens() && g.overridden_by.is_none()) {
        return Err(refused(&ticket.command, shut(closed)));
    }
    if !connected(live).await {
        let why = live.snapshot().problem().unwrap_or_else(|| "a side does not answer".to_owned());
        return Err(refused(&ticket.command, why));
    }
    let sentences = gates
        .iter()
        .map(|g| match &g.overridden_by {
            Some(by) => format!("{}: {} (overridden by {by})", g.title, g.verdict.sentence()),
            None => format!("{}: {}", g.title, g.verdict.sentence()),
        })
        .collect();
    // The gates took their time: what was asked for meanwhile counts.
    live.book.look(|s| s.allows(&ticket.command)).await.map_err(|why| refused(&ticket.command, why))?;
    let run = live
        .book
        .record(Entry::RunStarted { command: ticket.command.clone(), reason: ticket.reason.clone(), gates: sentences })
        .await?;
    let cx = live.cx(live.book.state().await, run).await;
    let cx = cx.ok_or_else(|| refused(&ticket.command, "a side stopped answering"))?;
    let plan = phases::plan(&ticket.command, &cx.state);
    live.tell(Event::Changed { migration: state.spec.name });
    let ended = {
        let mut run = std::pin::pin!(saga::run(&cx, &plan));
        tokio::select! {
            ended = &mut run => ended,
            () = held::wants_writes(live, &ticket.command) => {
                cx.recall.cancel();
                run.await
            }
        }
    };
    live.keep_watchdog(cx.session.lock().await.watchdog.take());
    // While clients may still be held, somebody goes on watching. After a lost lease whoever has it needs none of ours.
    if !matches!(ended, Ok(Ended::Unfinished { .. })) {
        live.dismiss_watchdog().await;
    }
    // The gates judge what the routers and the fence say now, not what they said before the run.
    reconcilers::routers(live.clone()).await;
    held::look(live.clone()).await;
    transactions::look(live.clone()).await;
    answer(live, ended?).await
}

/// The gates of a command. A conductor that has just begun, or has just ended a run from which on there is more to measure, has
/// not measured everything yet, and what only nobody has looked at is no reason to refuse: it gets a moment to look.
async fn settled(live: &Live, command: &Command, state: &State) -> Vec<gate::Judged> {
    loop {
        let gates = judge(live, command, state).await;
        let unknown = gates.iter().any(|g| matches!(g.verdict, Verdict::Unknown { .. }) && g.overridden_by.is_none());
        if !unknown || live.age() > SETTLING && !ended_lately(live, state) {
            return gates;
        }
        tokio::time::sleep(LOOK).await;
    }
}

fn ended_lately(live: &Live, state: &State) -> bool {
    let ended = state.last_run.as_ref().and_then(|run| run.ended.as_ref());
    let settling = SETTLING.as_millis() as i64;
    ended.is_some_and(|(at, _, _)| (0..settling).contains(&(live.parts.clock.now() - at)))
}

/// Whether the pair is connected; a conductor that has just begun gets a moment to connect it.
async fn connected(live: &Live) -> bool {
    for _ in 0..CONNECT_LOOKS {
        if live.pair().await.is_some() {
            return true;
        }
        tokio::time::sleep(LOOK).await;
    }
    false
}

async fn answer(live: &Live, ended: Ended) -> Result<TicketState> {
    let summary = |state: &State| {
        state.last_run.as_ref().and_then(|r| r.ended.as_ref()).map_or_else(String::new, |(_, _, s)| s.clone())
    };
    let state = live.book.state().await;
    Ok(match ended {
        Ended::Done => TicketState::Done { summary: summary(&state) },
        Ended::TakenBack { left, .. } if left.is_empty() => TicketState::Undone { summary: summary(&state) },
        Ended::TakenBack { .. } => TicketState::Failed { summary: summary(&state) },
        Ended::Unfinished { error } => TicketState::Failed {
            summary: format!(
                "{} The point of no return is behind it: it is being finished, every second again until it is through. {}",
                error.sentence(),
                error.remedy()
            ),
        },
    })
}

/// The gates of a command, as they stand.
pub(super) async fn judge(live: &Live, command: &Command, state: &State) -> Vec<gate::Judged> {
    let facts = live.facts().await;
    gate::judge(&Question { command, state, facts: &facts, now: live.parts.clock.now() })
}

fn refused(command: &Command, why: impl Into<String>) -> Error {
    Error::new(Kind::Refused, command.label(), why)
}

/// What a refusal tells: a refusal of ours names what comes first itself, of others the kind says what to do.
fn refusal(e: &Error) -> String {
    match e.kind {
        Kind::Refused => error::sentence(&e.why),
        _ => format!("{} {}", e.sentence(), e.remedy()),
    }
}

/// A closed gate, and what opens it.
fn shut(gate: &gate::Judged) -> String {
    let told = error::sentence(&format!("{}: {}", gate.title, gate.verdict.sentence()));
    match &gate.verdict {
        Verdict::Fail { remedy, .. } => format!("{told} {remedy}"),
        Verdict::Pass { .. } | Verdict::Unknown { .. } => told,
    }
}

async fn notify(live: &Live, command: &Command, state: &TicketState) {
    let migration = live.book.state().await.spec.name;
    let (title, body, tone) = match state {
        TicketState::Done { summary } => (format!("{}: done", command.label()), summary, Tone::Good),
        TicketState::Undone { summary } => (format!("{}: taken back", command.label()), summary, Tone::Bad),
        TicketState::Failed { summary } => (format!("{}: failed", command.label()), summary, Tone::Bad),
        TicketState::Refused { why } => (format!("{}: refused", command.label()), why, Tone::Warn),
        TicketState::Waiting | TicketState::Running => return,
    };
    live.tell(Event::Changed { migration: migration.clone() });
    live.tell(Event::Notice { migration, title, body: body.clone(), tone });
}
