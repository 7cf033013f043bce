//! One run: to the point, the fault, another process, the verdict, and home by new steps.

use std::{
    fmt,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{arena::Arena, case::Case, moment, point::Way, verdict, walk::Driver, writers::Writers};

/// For everything that has no limit of its own, on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(90);

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
    let mut driver = moment::fault_comes_and_goes(arena, case, asleep).await?;
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
