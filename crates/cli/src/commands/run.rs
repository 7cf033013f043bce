//! `run` and `rollback`: ask for a command, drive if nobody does, follow it to its end.

use std::time::{Duration, Instant};

use switchyard_api::dto::*;
use switchyard_model::Command;

use super::{Ctl, status};
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
        if began.elapsed() > longest {
            return Err(ApiError::new(
                "refused",
                format!("Still shut after {} s: {why}.", longest.as_secs()),
                "Wait longer, or see to the gate.",
            ));
        }
        if why != said {
            eprintln!("waiting: {why}");
            said = why;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

async fn ensure_driven(ctl: &Ctl, migration: &str) -> Result<(), ApiError> {
    ctl.api.drive_named(migration).await
}

pub async fn follow(ctl: &Ctl, migration: String, command: Command, reason: String) -> Result<Answer, ApiError> {
    let mut printed = newest(ctl, &migration).await?;
    let validates = command == Command::Validate;
    let args = RunCommand { migration: migration.clone(), command, reason };
    let accepted: Accepted = ctl.call("run", &args).await?;
    ensure_driven(ctl, &migration).await?;
    loop {
        printed = print_journal(ctl, &migration, printed).await?;
        let result: CommandResult = ctl.call("command_result", &ByTicket { ticket: accepted.ticket }).await?;
        let answer = match &result {
            CommandResult::Waiting | CommandResult::Running => {
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
            CommandResult::Done { .. } => found(ctl, &migration, validates).await?,
            CommandResult::Refused { .. } | CommandResult::Undone { .. } => Answer::No,
            CommandResult::Failed { .. } => Answer::Unable,
        };
        finish_open_run(ctl, &migration).await?;
        print_journal(ctl, &migration, printed).await?;
        report(ctl, &migration, &result).await?;
        return Ok(answer);
    }
}

/// A validation answers no when a table differs, and cannot tell when one is unproven.
async fn found(ctl: &Ctl, migration: &str, validates: bool) -> Result<Answer, ApiError> {
    let validation = if validates { status::cockpit(ctl, migration).await?.validation } else { None };
    Ok(match validation {
        Some(v) if v.findings() > 0 => Answer::No,
        Some(v) if v.unproven() > 0 => Answer::Unable,
        Some(_) | None => Answer::Yes,
    })
}

/// A run past its point of no return is not left half done when this program ends.
async fn finish_open_run(ctl: &Ctl, migration: &str) -> Result<(), ApiError> {
    let mut said = false;
    while status::cockpit(ctl, migration).await?.running.is_some_and(|r| r.past_no_return) {
        if !said {
            eprintln!(
                "the point of no return is behind this run; staying until it is finished (interrupting is safe, the next process goes on)"
            );
            said = true;
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    Ok(())
}

async fn newest(ctl: &Ctl, migration: &str) -> Result<i64, ApiError> {
    let args = JournalRequest { migration: migration.to_owned(), after: 0, limit: 1 };
    Ok(ctl.call::<_, JournalPage>("journal", &args).await?.newest)
}

async fn print_journal(ctl: &Ctl, migration: &str, after: i64) -> Result<i64, ApiError> {
    let args = JournalRequest { migration: migration.to_owned(), after, limit: 1000 };
    let page: JournalPage = ctl.call("journal", &args).await?;
    for line in &page.lines {
        eprintln!("{:>5}  {}", line.recorded.seq, line.sentence);
    }
    Ok(page.newest.max(after))
}

async fn report(ctl: &Ctl, migration: &str, result: &CommandResult) -> Result<(), ApiError> {
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
        }));
        return Ok(());
    }
    match result {
        CommandResult::Waiting | CommandResult::Running => {}
        CommandResult::Done { summary } => println!("{summary}"),
        CommandResult::Refused { why } => println!("Refused, nothing was touched. {why}"),
        CommandResult::Undone { summary } | CommandResult::Failed { summary } => println!("{summary}"),
    }
    Ok(())
}
