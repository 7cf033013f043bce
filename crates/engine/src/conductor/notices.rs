//! Notices: gates that open or close, lag that crosses its limit, and writes that are held for too long.

use std::{collections::HashMap, sync::Arc, time::Duration};

use switchyard_model::{Command, Side, state::State};
use tokio_util::sync::CancellationToken;

use super::{Event, Live, Tone, commands, held::Overdue};

/// After taking the lease, the first looks only find out how things stand, ms.
const SETTLING_MS: i64 = 10_000;

/// The command whose gates a person waits for.
fn next(state: &State) -> Option<Command> {
    state.milestones.replicating?;
    match (state.authority, state.next_rung()) {
        (Side::Source, Some(percent)) => Some(Command::ShiftReads { percent }),
        (Side::Source, None) => Some(Command::SwitchWrites),
        (Side::Target, _) => None,
    }
}

/// Watches until stopped.
pub(super) async fn watch(live: Arc<Live>, stop: CancellationToken) {
    let mut known: HashMap<String, bool> = HashMap::new();
    let mut overdue = Overdue::default();
    let began = live.parts.clock.now();
    let mut tick = tokio::time::interval(Duration::from_secs(1));
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = tick.tick() => {}
        }
        let state = live.book.state().await;
        if let Some(event) = overdue.news(&state, live.parts.clock.now()) {
            live.tell(event);
        }
        if state.open_run.is_some() {
            continue;
        }
        let Some(command) = next(&state) else { continue };
        for judged in commands::judge(&live, &command, &state).await {
            let open = judged.verdict.opens();
            let before = known.insert(judged.gate.clone(), open);
            // The soak closes at each step by design; only its opening is news.
            // What was unknown because nobody had looked yet is not news when it is looked at.
            let settled = live.parts.clock.now() - began > SETTLING_MS;
            let news = settled && before.is_some_and(|b| b != open) && (open || judged.gate != "soak");
            if news {
                let word = if open { "open" } else { "closed" };
                live.tell(Event::Notice {
                    migration: state.spec.name.clone(),
                    title: format!("{} gate {word}", judged.title),
                    body: judged.verdict.sentence().to_owned(),
                    tone: if open { Tone::Good } else { Tone::Warn },
                });
            }
        }
    }
}
