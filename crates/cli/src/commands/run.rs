//! `run` and `rollback`: ask for a command, drive if nobody does, follow it to its end.

use std::time::{Duration, Instant};

use switchyard_api::dto::*;
use switchyard_model::{Command, journal::Outcome};

use super::{Ctl, aftermath, repaired, status};
use crate::{
    args::StepArgs,
    output::{self, Answer},
};

pub async fn run(ctl: &Ctl, migration: String, step: StepArgs, reason: String, wait: u64) -> Result<Answer, ApiError> {
    let command = super::command(ctl, &migration, &step).await?;
    if wait > 0 {
        wait_for_gates(ctl, &migration, &command, Duration::from_secs(wait)).await?;
    }
    follow(ctl, migration, command, reason).await
}

/// Drives meanwhile, since gates are computed by whoever drives.
async fn wait_for_gates(ctl: &Ctl, migration: &str, command: &Command, longest: Duration) -> Result<(), ApiError> {
    ensure_driven(ctl, migration).await?;
    let began = Instant::now();
    let mut said = String::new();
    loop {
        let request = PreviewRequest { migration: migration.to_owned(), command: command.clone() };
        let why = match ctl.call::<_, Preview>("preview", &request).await {
            Ok(preview) => match preview.why_not {
                None => return Ok(()),
                Some(why) => why,
            },
            Err(e) => e.message,
        };
        aftermath::store_works(ctl, migration)?;
        if began.elapsed() > longest {
            return Err(ApiError::new(
                "refused",
                format!("Still shut after {} s: {why}.", longest.as_secs()),
                "Wait longer, or see to the gate.",
            ));
        }
        if why != said {
            tell!("waiting: {why}");
            said = why;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

async fn ensure_driven(ctl: &Ctl, migration: &str) -> Result<(), ApiError> {
    ctl.api.drive_named(migration).await
}

pub async fn follow(ctl: &Ctl, migration: String, command: Command, reason: String) -> Result<Answer, ApiError> {
    aftermath::settle(ctl, &migration).await?;
    let before = newest(ctl, &migration).await?;
    let args = RunCommand { migration: migration.clone(), command: command.clone(), reason };
    let accepted: Accepted = ctl.call("run", &args).await?;
    ensure_driven(ctl, &migration).await?;
    let mut printed = before;
    let mut result = loop {
        printed = print_journal(ctl, &migration, printed).await?;
        match ctl.call("command_result", &ByTicket { ticket: accepted.ticket }).await? {
            CommandResult::Waiting | CommandResult::Running => {
                store_works(ctl, &migration).await?;
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            ended => break ended,
        }
    };
    if let CommandResult::Failed { summary } = &result
        && let Some(end) = aftermath::true_end(ctl, &migration, before).await?
    {
        aftermath::see_clients_released(ctl, &migration, &command, &end).await?;
        result = after_all(summary, end);
    }
    let answer = match &result {
        CommandResult::Done { .. } => found(ctl, &migration, &command, before).await?,
        CommandResult::Refused { .. } | CommandResult::Undone { .. } => Answer::No,
        CommandResult::Failed { .. } | CommandResult::Waiting | CommandResult::Running => Answer::Unable,
    };
    print_journal(ctl, &migration, printed).await?;
    let repaired = match (&command, &result) {
        (Command::Repair { .. }, CommandResult::Done { .. }) => Some(repaired::since(ctl, &migration, before).await?),
        (_, _) => None,
    };
    report(ctl, &migration, &result, repaired).await?;
    Ok(answer)
}

/// A store that cannot be written ends this program, unless the run is past its point of no return: then it stays, and
/// goes on once there is room.
async fn store_works(ctl: &Ctl, migration: &str) -> Result<(), ApiError> {
    let Err(mut stop) = aftermath::store_works(ctl, migration) else { return Ok(()) };
    if status::cockpit(ctl, migration).await?.running.is_some_and(|r| r.past_no_return) {
        tell!("{} {} Staying: the run goes on from there.", stop.message, stop.remedy);
        return Ok(());
    }
    stop.message.push_str(" What this run had begun was taken back; that is journaled once the store can be written.");
    Err(stop)
}

/// The result of a run whose first answer was a failure, from how it really ended.
fn after_all(failure: &str, end: RunEnd) -> CommandResult {
    // The run's own summary is the failure, or tells more than it.
    let summary = if end.summary == failure { end.summary } else { format!("{failure} In the end: {}", end.summary) };
    match end.outcome {
        Outcome::Done => CommandResult::Done { summary },
        Outcome::Undone => CommandResult::Undone { summary },
        Outcome::Failed => CommandResult::Failed { summary },
    }
}

/// A validation answers no when a table differs, and cannot tell when one is unproven; a repair, when a row still differs.
async fn found(ctl: &Ctl, migration: &str, command: &Command, before: i64) -> Result<Answer, ApiError> {
    if let Command::Repair { .. } = command {
        return Ok(repaired::since(ctl, migration, before).await?.answer());
    }
    let validates = *command == Command::Validate;
    let validation = if validates { status::cockpit(ctl, migration).await?.validation } else { None };
    Ok(match validation {
        Some(v) if v.findings() > 0 => Answer::No,
        Some(v) if v.unproven() > 0 => Answer::Unable,
        Some(_) | None => Answer::Yes,
    })
}

async fn newest(ctl: &Ctl, migration: &str) -> Result<i64, ApiError> {
    let args = JournalRequest { migration: migration.to_owned(), after: 0, limit: 1 };
    Ok(ctl.call::<_, JournalPage>("journal", &args).await?.newest)
}

async fn print_journal(ctl: &Ctl, migration: &str, after: i64) -> Result<i64, ApiError> {
    let args = JournalRequest { migration: migration.to_owned(), after, limit: 1000 };
    let page: JournalPage = ctl.call("journal", &args).await?;
    for line in &page.lines {
        tell!("{:>5}  {}", line.recorded.seq, line.sentence);
    }
    Ok(page.newest.max(after))
}

async fn report(
    ctl: &Ctl,
    migration: &str,
    result: &CommandResult,
    repaired: Option<repaired::Outcome>,
) -> Result<(), ApiError> {
    if ctl.json {
        let c = status::cockpit(ctl, migration).await?;
        let last = c.last_run.as_ref();
        output::json(&serde_json::json!({
            "result": result,
            "headline": c.headline,
            "authority": c.authority,
            "epoch": c.epoch,
            "reads_on_target": c.reads_on_target,
            "steps": last.map(|r| &r.steps),
            "last_forward": c.last_forward,
            "last_rollback": c.last_rollback,
            "repaired": repaired.map(|r| r.count),
        }));
        return Ok(());
    }
    match result {
        CommandResult::Waiting | CommandResult::Running => {}
        CommandResult::Done { summary } => say!("{summary}"),
        CommandResult::Refused { why } => say!("Refused, nothing was touched. {why}"),
        CommandResult::Undone { summary } | CommandResult::Failed { summary } => say!("{summary}"),
    }
    if let Some(repaired) = repaired {
        repaired.print();
    }
    Ok(())
}
