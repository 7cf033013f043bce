//! Recovery: a run that an earlier process, or an earlier attempt of this one, left open is undone or finished.

use std::time::Duration;

use switchyard_model::{journal::Entry, switch::Recovery};
use tokio_util::sync::CancellationToken;

use super::{Event, Live, Tone};
use crate::{
    error::{Kind, Result},
    phases,
    saga::{self, Clients, Cx, Ended, Plan},
};

/// Pause between attempts.
const AGAIN: Duration = Duration::from_secs(1);

/// One attempt at the open run. What it finds out from reality decides, not what an earlier process believed.
pub(super) async fn step(live: &Live, stop: &CancellationToken) -> Result<()> {
    let state = live.book.catch_up().await?;
    let (Some(run), Some(decision)) = (&state.open_run, state.recovery()) else { return Ok(()) };
    let Some(cx) = live.cx(state.clone(), run.id).await else {
        pause(stop).await;
        return Ok(());
    };
    if live.begins_recovery(run.id) {
        match live.book.record(Entry::Recovered { run: run.id, decision }).await {
            Ok(_) => {}
            // Past the point of no return clients may be waiting, and nothing that follows needs this line.
            Err(e) if decision == Recovery::Finish && e.kind == Kind::Store => {
                tracing::error!(error = %e, "that the run is being finished could not be journaled");
            }
            Err(e) => return Err(e),
        }
    }
    let plan = phases::plan(&run.command, &state);
    let recovering = async {
        match decision {
            Recovery::Undo => {
                saga::undo_all(&cx, &plan, "the process that ran it ended before the point of no return").await
            }
            Recovery::Finish => {
                let promised = Duration::from_millis(u64::from(state.limits().hold_deadline_ms));
                let clients = if live.recovering_for() < promised { Clients::Wait } else { Clients::GoOn };
                saga::finish(&cx, &plan, clients).await
            }
        }
    };
    // Clients may be waiting already, so nobody waits for the watchdog to stand.
    let (ended, ()) = tokio::join!(recovering, be_watched(live, &cx, &plan));
    let ended = ended?;
    if !matches!(ended, Ended::Unfinished { .. }) {
        live.dismiss_watchdog().await;
    }
    let migration = state.spec.name.clone();
    let label = run.command.label();
    live.tell(Event::Changed { migration: migration.clone() });
    let (title, body, tone) = match ended {
        Ended::Done => {
            (format!("{label}: finished after a crash"), "Everything it set out to do is done.".to_owned(), Tone::Good)
        }
        Ended::TakenBack { error, left } if left.is_empty() => {
            (format!("{label}: taken back after a crash"), error.to_string(), Tone::Warn)
        }
        Ended::TakenBack { left, .. } => {
            (format!("{label}: not everything could be taken back"), left.join("; "), Tone::Bad)
        }
        Ended::Unfinished { error } => {
            tracing::error!(error = %error, "the open run could not be finished yet");
            pause(stop).await;
            (format!("{label}: not finished yet"), format!("{} {}", error.sentence(), error.remedy()), Tone::Bad)
        }
    };
    live.tell(Event::Notice { migration, title, body, tone });
    Ok(())
}

/// A run that was left open may have left clients held, and this process may die over it like the one before. A watchdog
/// that recovers has none itself: see `docs/decisions/0009-who-watches-a-recovery.md`.
async fn be_watched(live: &Live, cx: &Cx, plan: &Plan) {
    let holds_clients = plan.steps.iter().any(|s| s.is_inside_the_pause());
    let Some(launcher) = live.parts.watchdog.as_ref().filter(|_| holds_clients && !live.is_watched()) else { return };
    match launcher.launch_for(cx).await {
        Ok(watchdog) => live.keep_watchdog(Some(watchdog)),
        Err(e) => tracing::error!(error = %e, "nobody watches this recovery"),
    }
}

async fn pause(stop: &CancellationToken) {
    tokio::select! {
        () = stop.cancelled() => {}
        () = tokio::time::sleep(AGAIN) => {}
    }
}
