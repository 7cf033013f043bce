//! One run: to the point, the fault, another process, the verdict, and home by new steps.

use std::{
    fmt,
    process::Command,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    arena::{Arena, Driver},
    case::Case,
    ctl::{Frozen, MIGRATION, disk::children},
    fault::{Fault, Rival},
    point::Way,
    verdict,
    writers::Writers,
};

/// For everything that has no limit of its own, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);

/// What one run has to tell.
#[derive(Debug, Default)]
pub struct Told {
    /// What does not hold; empty when all does.
    pub wrong: Vec<String>,
    /// Whether it came to its point.
    pub reached: bool,
    /// How the run ended that was disturbed.
    pub outcome: String,
    /// The longest wait of a client.
    pub longest: Duration,
    pub acknowledged: u64,
    pub took: Duration,
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        if !self.reached {
            return write!(f, "not reached, in {:.1} s", self.took.as_secs_f64());
        }
        let (longest, took) = (self.longest.as_secs_f64(), self.took.as_secs_f64());
        let Told { outcome, acknowledged, .. } = self;
        write!(f, "{outcome}; longest wait {longest:.2} s, {acknowledged} writes, in {took:.1} s")
    }
}

pub async fn run(arena: &Arena, case: &Case) -> Told {
    let began = Instant::now();
    let mut told = Told::default();
    let newest = arena.newest();
    if let Err(why) = disturbed(arena, case, &mut told).await {
        told.wrong.push(why);
    }
    if !told.wrong.is_empty() {
        for line in arena.journal_after(newest) {
            println!("       {} {}", line["recorded"]["by"], line["sentence"]);
        }
    }
    told.took = began.elapsed();
    told
}

async fn disturbed(arena: &Arena, case: &Case, told: &mut Told) -> Result<(), String> {
    arena.stand_before(case.point.way)?;
    let loser = match case.point.way {
        Way::Forward => &arena.ctl.rig.source,
        Way::Back => &arena.ctl.rig.target,
    };
    let writers = Writers::start(arena, loser).await;
    let mut newest = arena.newest();
    let asleep = match arena.freeze_at(case.point) {
        Ok(asleep) => asleep,
        Err(why) => {
            println!("       {why}");
            writers.stop().await;
            return arena.go_home();
        }
    };
    told.reached = true;
    // Attempts that were undone in order are no part of the story.
    newest = arena
        .journal_after(newest)
        .iter()
        .filter(|l| is_start(l))
        .filter_map(|l| l["recorded"]["seq"].as_i64())
        .max()
        .unwrap_or(newest + 1)
        - 1;
    let mut driver = fault_comes_and_goes(arena, case, asleep).await?;
    let settled = settle(arena, case, told, &writers, &mut driver, newest).await;
    let ledger = writers.stop().await;
    told.longest = ledger.longest;
    told.acknowledged = ledger.acknowledged.len();
    if let Ok(status) = &settled {
        let authority = arena.server(status["authority"].as_str().unwrap_or_default());
        told.wrong.extend(verdict::nothing_lost(authority, &ledger, "where the authority is").await);
    }
    told.wrong.extend(verdict::nobody_waited(case, ledger.longest));
    let home = arena.go_home();
    drop(driver);
    settled?;
    home.map_err(|why| format!("no new step can start: {why}"))?;
    told.wrong.extend(verdict::nothing_lost(&arena.ctl.rig.source, &ledger, "back at the source").await);
    Ok(())
}

fn is_start(line: &Value) -> bool {
    line["recorded"]["entry"] == "run_started"
}

/// The process that drove stands at its point. Answers the one that recovers, once nothing is broken any more.
async fn fault_comes_and_goes(arena: &Arena, case: &Case, mut asleep: Frozen) -> Result<Driver, String> {
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

/// Everybody goes on, and everything is as the journal says.
async fn settle(
    arena: &Arena,
    case: &Case,
    told: &mut Told,
    writers: &Writers,
    driver: &mut Driver,
    newest: i64,
) -> Result<Value, String> {
    arena.is_over(driver, PATIENCE)?;
    writers.go_on(PATIENCE).await?;
    // Read again: what came late was mended meanwhile.
    let status = arena.is_over(driver, PATIENCE)?;
    told.wrong.extend(verdict::one_authority(arena, case, &status).await);
    told.wrong.extend(verdict::nobody_held(arena).await);
    let lines = arena.journal_after(newest);
    told.wrong.extend(verdict::journal_explains(arena, case, &lines));
    let ends = lines.iter().map(|l| &l["recorded"]).find(|r| r["entry"] == "run_ended");
    told.outcome = ends.and_then(|e| e["outcome"].as_str()).unwrap_or("no end").to_owned();
    Ok(status)
}
