//! The moment itself: the process that drove stands at its point, the fault comes, somebody else is there, the fault goes.

use std::process::Command;

use crate::{
    arena::Arena,
    case::Case,
    ctl::{Frozen, MIGRATION, disk::children},
    fault::{Fault, Rival},
    run::PATIENCE,
    walk::Driver,
};

/// Answers the process that recovers, once nothing is broken any more.
pub async fn fault_comes_and_goes(arena: &Arena, case: &Case, mut asleep: Frozen) -> Result<Driver, String> {
    let pid = asleep.pid();
    case.fault.put(arena, &asleep).await;
    let mut rival = None;
    match case.fault {
        Fault::Killed => asleep.kill(),
        Fault::KilledWithWatchdog => {
            let watchdogs = children(pid);
            kill(&watchdogs);
            asleep.kill();
        }
        Fault::KilledTwice => {
            let watchdogs = children(pid);
            kill(&watchdogs);
            asleep.kill();
            if let Some(step) = case.point.next() {
                arena.drive_until_killed(&format!("before:{}", step.word()), PATIENCE).await?;
            }
        }
        Fault::Slept => {
            let mut driver = arena.drive();
            let over = arena.is_over(&mut driver, PATIENCE);
            asleep.thaw();
            return over.and(finish(asleep, pid).await).map(|()| driver);
        }
        Fault::Raced(kind) => {
            match kind {
                Rival::Drive => {}
                Rival::Switch => rival = Some(arena.ctl.spawn(&["run", MIGRATION, "writes"])),
                Rival::RollBack => rival = Some(arena.ctl.spawn(&["rollback", MIGRATION])),
            }
            asleep.thaw();
        }
        Fault::DiskFull
        | Fault::AnswerLost(_)
        | Fault::ClockSet(_)
        | Fault::Dead(_)
        | Fault::Restarted(_)
        | Fault::Network(_, _) => asleep.thaw(),
    }
    // One that comes to a full disk ends at once; the others wait for the lease.
    let early = (case.fault != Fault::DiskFull).then(|| arena.drive());
    let finishing = tokio::spawn(finish_unless_killed(case.fault, asleep, pid));
    if case.fault.lasts() {
        tokio::time::sleep(case.lasts).await;
    }
    case.fault.heal(arena, pid).await;
    let driver = early.unwrap_or_else(|| arena.drive());
    finishing.await.unwrap()?;
    if let Some(mut rival) = rival {
        // Whatever it is told; what became of it is the journal's.
        tokio::task::spawn_blocking(move || rival.wait()).await.unwrap().unwrap();
    }
    Ok(driver)
}

async fn finish_unless_killed(fault: Fault, asleep: Frozen, pid: u32) -> Result<(), String> {
    match fault {
        Fault::Killed | Fault::KilledWithWatchdog | Fault::KilledTwice => Ok(()),
        Fault::Slept
        | Fault::Raced(_)
        | Fault::DiskFull
        | Fault::AnswerLost(_)
        | Fault::ClockSet(_)
        | Fault::Dead(_)
        | Fault::Restarted(_)
        | Fault::Network(_, _) => finish(asleep, pid).await,
    }
}

/// Waits for the end of a process that goes on; what it tells is the journal's.
async fn finish(asleep: Frozen, pid: u32) -> Result<(), String> {
    let ends = tokio::task::spawn_blocking(move || asleep.finish());
    if tokio::time::timeout(PATIENCE, ends).await.is_err() {
        kill(&[pid]);
        return Err(format!("the process that drove has not ended after {PATIENCE:?}"));
    }
    Ok(())
}

fn kill(pids: &[u32]) {
    for pid in pids {
        let _ = Command::new("kill").args(["-KILL", &pid.to_string()]).status();
    }
}
