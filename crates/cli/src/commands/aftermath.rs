//! What is left to see to before and after a run: a run that a dead process left open, the true end of one that this
//! process lost sight of, and clients that a router may still hold.

use std::time::{Duration, Instant};

use switchyard_api::dto::*;
use switchyard_model::{Command, journal::Outcome};

use super::{Ctl, status};

/// How long an earlier run may take to be ended before the new one is asked for all the same, and refused.
const SETTLE: Duration = Duration::from_secs(60);
/// How long another process may take to end a run that it took over from us.
const TAKEN_OVER: Duration = Duration::from_secs(15);
/// How long a router that held clients and fell silent is waited for.
const RELEASE: Duration = Duration::from_secs(60);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(200);

/// Ends a run that a process left open when it died: nobody drives, so nobody else will.
pub async fn settle(ctl: &Ctl, migration: &str) -> Result<(), ApiError> {
    let cockpit = status::cockpit(ctl, migration).await?;
    let Some(left) = cockpit.running.filter(|_| cockpit.lease.holder.is_none()) else { return Ok(()) };
    let what = if left.past_no_return { "finished" } else { "taken back" };
    tell!("“{}” was left open by a process that ended; it is {what} first", left.label);
    ctl.api.drive_named(migration).await?;
    let began = Instant::now();
    while began.elapsed() < SETTLE && status::cockpit(ctl, migration).await?.running.is_some() {
        store_works(ctl, migration)?;
        tokio::time::sleep(LOOK).await;
    }
    Ok(())
}

/// Fails when this process stopped driving because the store cannot be written or read.
pub fn store_works(ctl: &Ctl, migration: &str) -> Result<(), ApiError> {
    match ctl.api.take_stop(migration) {
        Some(stop) if stop.code.starts_with("store") => Err(stop),
        // A lease that was lost, or an adapter's error: it is on stderr, and the journal goes on.
        Some(_) | None => Ok(()),
    }
}

/// How the run that began after an entry really ended, where its ticket could not tell: finished or taken back later, by
/// this process or by the one that took over. What is past its point of no return is waited for until it is finished.
pub async fn true_end(ctl: &Ctl, migration: &str, after: i64) -> Result<Option<RunEnd>, ApiError> {
    let began = Instant::now();
    let mut said = false;
    loop {
        let cockpit = status::cockpit(ctl, migration).await?;
        let Some(open) = cockpit.running.filter(|r| r.run > after) else {
            return Ok(cockpit.last_run.filter(|r| r.run > after).and_then(|r| r.ended));
        };
        if !open.past_no_return && began.elapsed() > TAKEN_OVER {
            return Ok(None);
        }
        if open.past_no_return && !std::mem::replace(&mut said, true) {
            tell!(
                "the point of no return is behind this run; staying until it is finished (interrupting is safe, the next \
                 process goes on)"
            );
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// After a run that held clients and could not take everything back a router may still hold clients. It is asked, and released, for as
/// long as this process drives; so this process stays until all of them say that they hold nobody.
pub async fn see_clients_released(ctl: &Ctl, migration: &str, command: &Command, end: &RunEnd) -> Result<(), ApiError> {
    let holds = matches!(command, Command::Hold | Command::SwitchWrites | Command::RollBack);
    if !holds || end.outcome != Outcome::Failed {
        return Ok(());
    }
    let began = Instant::now();
    while ctl.api.is_held_after(migration, end.at).await? != Some(false) {
        if began.elapsed() > RELEASE {
            tell!(
                "a router does not answer, or still holds clients: RESUME the writers' pool on its admin console by hand"
            );
            return Ok(());
        }
        tokio::time::sleep(LOOK).await;
    }
    Ok(())
}
