//! What has to hold after a run, whatever came in between.

use std::time::Duration;

use serde_json::Value;
use sqlx::{Connection, PgConnection, Row, raw_sql};
use switchyard_rig::{DATABASE, Server, ledger};

use crate::{arena::Arena, case::Case, ctl::MIGRATION, fault::Fault, point::Way, writers::Ledger};

/// How long clients may wait beside the time of the fault itself: the hold's deadline, the watchdog's patience, the life of a
/// lease where the watchdog died as well, and what a second process needs on a busy machine.
pub const PAUSE: Duration = Duration::from_secs(20);

/// The life of a lease: who finishes has to wait for it again where whoever finished before was killed as well.
const LEASE: Duration = Duration::from_secs(8);

/// How long a client may wait in this case.
fn limit(case: &Case) -> Duration {
    let again = if case.fault == Fault::KilledTwice { LEASE } else { Duration::ZERO };
    case.fault.outage(case.lasts) + PAUSE + again
}

/// The side that has to have the authority, where the point decides it: the process ended there, or did not go on.
fn decided(case: &Case) -> Option<&'static str> {
    match case.fault {
        Fault::Killed | Fault::KilledWithWatchdog | Fault::KilledTwice | Fault::Slept => {}
        Fault::DiskFull
        | Fault::AnswerLost(_)
        | Fault::Raced(_)
        | Fault::ClockSet(_)
        | Fault::Dead(_)
        | Fault::Restarted(_)
        | Fault::Network(_, _) => return None,
    }
    Some(match (case.point.way, case.point.is_past()) {
        (Way::Forward, true) | (Way::Back, false) => "target",
        (Way::Forward, false) | (Way::Back, true) => "source",
    })
}

/// One authority: the journal's, the databases' and the routers'.
pub async fn one_authority(arena: &Arena, case: &Case, status: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    let authority = status["authority"].as_str().unwrap_or_default();
    if let Some(expected) = decided(case)
        && authority != expected
    {
        wrong.push(format!("the authority is on the {authority}, and the point says {expected}"));
    }
    let rig = &arena.ctl.rig;
    let (winner, loser) = if authority == "source" { (&rig.source, &rig.target) } else { (&rig.target, &rig.source) };
    for (server, has_it) in [(winner, true), (loser, false)] {
        let side = Side::look(server).await;
        if side.refuses == has_it || side.stands_half {
            wrong.push(format!(
                "has the authority: {has_it}, and refuses writes: {}, half: {}",
                side.refuses, side.stands_half
            ));
        }
        if side.carries_rows != has_it {
            wrong.push(format!("has the authority: {has_it}, and its stream carries rows: {}", side.carries_rows));
        }
        if side.open > 0 {
            wrong.push(format!("{} transactions of ours are still open", side.open));
        }
    }
    if let Err(accepted) = is_refused(loser).await {
        wrong.push(format!("who goes around the poolers is not told that writes moved: {accepted}"));
    }
    wrong
}

/// What a database says of itself.
struct Side {
    refuses: bool,
    stands_half: bool,
    carries_rows: bool,
    open: i64,
}

impl Side {
    async fn look(server: &Server) -> Side {
        let sql = "SELECT bool_and(tgenabled = 'O'), bool_or(tgenabled = 'O') FROM pg_trigger WHERE tgname = 'switchyard_fence'";
        let mut connection = server.connect(DATABASE).await.unwrap();
        let (all, some): (Option<bool>, Option<bool>) = sqlx::query_as(sql).fetch_one(&mut connection).await.unwrap();
        let sql = "SELECT pubinsert FROM pg_publication WHERE pubname = 'switchyard_rows'";
        let carries_rows = sqlx::query_scalar(sql).fetch_one(&mut connection).await.unwrap();
        let sql = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'switchyard' AND state = 'idle in transaction' \
                   AND state_change < now() - interval '5 seconds'";
        let open = sqlx::query_scalar(sql).fetch_one(&mut connection).await.unwrap();
        let (all, some) = (all.unwrap_or_default(), some.unwrap_or_default());
        Side { refuses: all, stands_half: all != some, carries_rows, open }
    }
}

/// The side without the authority refuses whoever goes around.
async fn is_refused(loser: &Server) -> Result<(), String> {
    let mut connection = PgConnection::connect(&loser.app_url()).await.unwrap();
    let sql = "INSERT INTO ledger_entry (client_id, number, payload) VALUES (-1, 1, '')";
    match raw_sql(sql).execute(&mut connection).await {
        Err(e) if e.to_string().contains("moved") => Ok(()),
        Err(e) => Err(e.to_string()),
        Ok(_) => Err("the write was accepted".to_owned()),
    }
}

/// Nobody is held at a pooler.
pub async fn nobody_held(arena: &Arena) -> Vec<String> {
    let mut wrong = Vec::new();
    for pooler in &arena.ctl.rig.poolers {
        let mut console = PgConnection::connect(&pooler.admin_url()).await.unwrap();
        for row in raw_sql("SHOW DATABASES").fetch_all(&mut console).await.unwrap() {
            if row.get::<i32, _>("paused") == 1 {
                wrong.push(format!(
                    "{} is still held at the pooler on port {}",
                    row.get::<String, _>("name"),
                    pooler.port
                ));
            }
        }
    }
    wrong
}

/// Every acknowledged write is there, once.
pub async fn nothing_lost(server: &Server, ledger: &Ledger, when: &str) -> Vec<String> {
    let check = ledger::check(&server.app_url(), &ledger.acknowledged).await.unwrap();
    if check.is_clean() {
        return Vec::new();
    }
    vec![format!(
        "{when}, of {} acknowledged writes: lost {:?}, twice {:?}, altered {:?}",
        check.acknowledged, check.lost, check.duplicated, check.altered
    )]
}

/// Nobody waited longer than was promised.
pub fn nobody_waited(case: &Case, longest: Duration) -> Option<String> {
    let limit = limit(case);
    (longest > limit).then(|| format!("a client waited {longest:?}, and {limit:?} is the longest that is allowed"))
}

/// The journal tells the story: whole, every run with its end, and who took over where somebody had to.
pub fn journal_explains(arena: &Arena, case: &Case, lines: &[Value]) -> Vec<String> {
    let mut wrong = Vec::new();
    let verify = arena.ctl.output(&["journal", "verify", MIGRATION]);
    if !verify.status.success() {
        wrong.push(format!("the journal is damaged: {}", String::from_utf8_lossy(&verify.stderr)));
    }
    let of = |kind: &str| lines.iter().map(|l| &l["recorded"]).filter(move |r| r["entry"] == kind).collect::<Vec<_>>();
    let ends = of("run_ended");
    for started in of("run_started") {
        let end = ends.iter().find(|e| e["run"] == started["seq"]);
        if end.is_none_or(|e| e["summary"].as_str().unwrap_or_default().is_empty()) {
            wrong.push(format!("run {} has no end that says how it ended", started["seq"]));
        }
    }
    if lines.iter().any(|l| l["sentence"].as_str().unwrap_or_default().is_empty()) {
        wrong.push("a line of the journal has no sentence".to_owned());
    }
    if decided(case).is_some() {
        let expected = if case.point.is_past() { "finish" } else { "undo" };
        let decisions: Vec<String> = of("recovered").iter().map(|r| r["decision"].to_string()).collect();
        if decisions.is_empty() || decisions.iter().any(|d| *d != format!("\"{expected}\"")) {
            wrong.push(format!("somebody had to take over and {expected}; the journal says {decisions:?}"));
        }
    }
    wrong
}
