//! `drill`: rehearse a failure and the way back, and what earlier rehearsals measured.

use std::time::Duration;

use switchyard_api::{drills::report, dto::*};
use switchyard_model::{
    Command,
    drill::{Act, DrillRecord, DrillResult, Failure},
    figure,
    time::utc,
};

use super::{Ctl, aftermath};
use crate::{
    args::{DrillArgs, DrillCmd},
    output::{self, Answer},
};

/// How often the journal is looked at.
const LOOK: Duration = Duration::from_millis(200);

pub async fn run(ctl: &Ctl, command: DrillCmd) -> Result<Answer, ApiError> {
    match command {
        DrillCmd::Run { migration, drill } => {
            let request = request(ctl, &migration, &drill).await?;
            let record = match request.failure {
                Failure::OperatorKilled => killed(ctl, request).await?,
                _ => rehearse(ctl, request).await?,
            };
            Ok(told(ctl, &record))
        }
        DrillCmd::List { migration } => {
            let view = view(ctl, &migration).await?;
            if ctl.json {
                output::json(&view);
            } else {
                list(&view);
            }
            Ok(Answer::Yes)
        }
        DrillCmd::Report { migration } => {
            say!("{}", report::markdown(&migration, &view(ctl, &migration).await?).trim_end());
            Ok(Answer::Yes)
        }
        DrillCmd::Schedule { migration, every, off: _, drill } => {
            let every_s = every.as_deref().map(seconds).transpose()?;
            let args = ScheduleDrills { drill: request(ctl, &migration, &drill).await?, every_s };
            ctl.call::<_, Nothing>("drill_schedule", &args).await?;
            if ctl.json {
                output::json(&serde_json::json!({ "every_s": every_s }));
            } else {
                say!("{}", if every_s.is_some() { "Planned." } else { "No drill is run by itself any more." });
            }
            Ok(Answer::Yes)
        }
    }
}

async fn request(ctl: &Ctl, migration: &str, args: &DrillArgs) -> Result<DrillRequest, ApiError> {
    let wrong = |message: String, remedy: &str| ApiError::new("invalid", message, remedy);
    let failure = Failure::from_word(&args.failure).ok_or_else(|| {
        let known: Vec<&str> = Failure::ALL.into_iter().map(Failure::word).collect();
        wrong(
            format!("“{}” is no failure that can be rehearsed.", args.failure),
            &format!("Choose one of: {}.", known.join(", ")),
        )
    })?;
    if let Some(within) = args.within.filter(|s| !(0.1..=600.0).contains(s)) {
        return Err(wrong(format!("{within} s is no goal for a drill."), "Give 0.1 to 600 seconds."));
    }
    let act = match (args.writes, args.reads) {
        (true, _) => Act::Writes,
        (false, Some(percent)) => Act::Reads { percent },
        (false, None) => {
            let offered = view(ctl, migration).await?.acts.into_iter().map(|a| a.act);
            offered.into_iter().find(|act| *act != Act::Writes).unwrap_or(Act::Reads { percent: 1 })
        }
    };
    Ok(DrillRequest {
        migration: migration.to_owned(),
        failure,
        act,
        canary: args.canary.clone(),
        password: std::env::var("SWITCHYARD_CANARY_PASSWORD").ok(),
        goal_ms: args.within.map(|s| (s * 1000.0).round() as u32),
    })
}

/// `12h`, `7d`, `90m`: seconds.
fn seconds(text: &str) -> Result<u32, ApiError> {
    let wrong = || ApiError::new("invalid", format!("“{text}” is no span of time."), "Write for example 12h or 7d.");
    let unit = match text.chars().last().ok_or_else(wrong)? {
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return Err(wrong()),
    };
    let count: u32 = text[..text.len() - 1].parse().map_err(|_| wrong())?;
    count.checked_mul(unit).ok_or_else(wrong)
}

async fn view(ctl: &Ctl, migration: &str) -> Result<DrillsView, ApiError> {
    ctl.call("drills", &ByName { name: migration.to_owned() }).await
}

/// Asks for it, drives if nobody does, and follows it to its end.
async fn rehearse(ctl: &Ctl, request: DrillRequest) -> Result<DrillRecord, ApiError> {
    let migration = request.migration.clone();
    aftermath::settle(ctl, &migration).await?;
    let accepted: DrillAccepted = ctl.call("drill_start", &request).await?;
    tell!("{}", accepted.order.failure.what());
    ctl.api.drive_named(&migration).await?;
    let mut said = None;
    loop {
        let view = view(ctl, &migration).await?;
        if let Some(record) = view.past.into_iter().find(|d| d.id == accepted.drill) {
            return Ok(record);
        }
        if view.progress.is_some() && view.progress != said {
            tell!("{}", view.progress.as_deref().unwrap_or_default());
            said = view.progress;
        }
        aftermath::store_works(ctl, &migration)?;
        tokio::time::sleep(LOOK).await;
    }
}

/// A second process of this program drives, and is killed.
async fn killed(ctl: &Ctl, request: DrillRequest) -> Result<DrillRecord, ApiError> {
    let name = request.migration.clone();
    let store = ctl.api.store_path();
    let start = move |command: &Command| {
        let step: Vec<String> = match command {
            Command::ShiftReads { percent } => vec!["reads".to_owned(), percent.to_string()],
            _ => vec!["writes".to_owned()],
        };
        let mut victim = std::process::Command::new(std::env::current_exe()?);
        victim.args(["run", &name]).args(step).args(["--wait", "30"]).env("SWITCHYARD_STORE", store);
        victim.stdin(std::process::Stdio::null()).stdout(std::process::Stdio::null()).spawn()
    };
    tell!("{}", request.failure.what());
    ctl.api.drill_operator_killed(request, start, |line| tell!("{line}")).await
}

fn told(ctl: &Ctl, record: &DrillRecord) -> Answer {
    let Some((_, result)) = &record.ended else { return Answer::Unable };
    if ctl.json {
        output::json(&figures(record.order.failure, result));
    } else {
        print(record, result);
    }
    if result.passed { Answer::Yes } else { Answer::No }
}

fn figures(failure: Failure, r: &DrillResult) -> serde_json::Value {
    serde_json::json!({
        "failure": failure.word(),
        "noticed_ms": r.noticed_ms,
        "noticed_by": r.noticed_by,
        "decided_ms": r.decided_ms,
        "routed_back_ms": r.routed_back_ms,
        "last_request_on_target_ms": r.last_request_on_target_ms,
        "total_ms": r.total_ms,
        "requests": r.requests,
        "failed_requests": r.failed_requests,
        "longest_write_ms": r.longest_write_ms,
        "acknowledged_writes": r.ledger.acknowledged,
        "uncertain_writes": r.ledger.uncertain,
        "lost_writes": r.ledger.lost.len(),
        "duplicated_writes": r.ledger.duplicated.len(),
        "passed": r.passed,
        "why_not": r.why_not,
    })
}

fn print(record: &DrillRecord, r: &DrillResult) {
    let time = |ms: Option<f64>| ms.map_or("never".to_owned(), figure::lag);
    say!("{}: {}", record.order.failure.title(), if r.passed { "passed" } else { "failed" });
    let by = r.noticed_by.as_deref().map_or(String::new(), |by| format!("  by {by}"));
    say!("  noticed                     {}{by}", time(r.noticed_ms));
    say!("  decided                     {}", time(r.decided_ms));
    say!("  routed back                 {}", time(r.routed_back_ms));
    say!("  last request on the target  {}", time(r.last_request_on_target_ms));
    say!("  whole                       {}  goal {}", time(r.total_ms), figure::limit(f64::from(record.order.goal_ms)));
    say!(
        "  {} of {} requests failed; the longest wait for a write was {:.0} ms",
        r.failed_requests,
        r.requests,
        r.longest_write_ms
    );
    say!(
        "  {} acknowledged writes, {} lost, {} there twice",
        r.ledger.acknowledged,
        r.ledger.lost.len(),
        r.ledger.duplicated.len()
    );
    for why in &r.why_not {
        say!("  ✗ {why}");
    }
}

fn list(view: &DrillsView) {
    if view.past.is_empty() {
        say!("Never tested: the way back is a hope.");
    }
    for record in &view.past {
        let Some((at, r)) = &record.ended else { continue };
        let result = if r.passed { "passed" } else { "failed" };
        let whole = r.total_ms.map_or("–".to_owned(), figure::lag);
        say!("{}  {:<26} {result}  {whole}", utc(*at), record.order.failure.title());
    }
    if let (Some(plan), Some(due)) = (&view.plan, view.due) {
        say!("“{}” every {}, next at {}", plan.order.failure.title(), figure::span(i64::from(plan.every_s)), utc(due));
    }
}
