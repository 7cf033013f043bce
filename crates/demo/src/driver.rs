//! The API as the demo uses it: typed calls, commands followed to their end, gates waited for.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use serde::{Serialize, de::DeserializeOwned};
use switchyard_api::{Switchyard, dto::*};
use switchyard_model::{
    Command,
    drill::{Act, DrillResult, Failure as Failing},
};

use crate::Failure;

/// The API and the migration that the demo is about.
pub struct Driver {
    /// The API.
    pub api: Arc<Switchyard>,
    /// The migration.
    pub migration: String,
}

impl Driver {
    /// A command of the API, typed.
    pub async fn call<A: Serialize, R: DeserializeOwned>(&self, name: &str, args: A) -> Result<R, Failure> {
        let answer = self.api.call(name, serde_json::to_value(args)?).await;
        let answer = answer.map_err(|e| format!("{name}: {} {}", e.message, e.remedy))?;
        Ok(serde_json::from_value(answer)?)
    }

    /// The cockpit.
    pub async fn cockpit(&self) -> Result<Cockpit, Failure> {
        self.call("cockpit", ByName { name: self.migration.clone() }).await
    }

    /// Waits until the gates of a command are open, then runs it and waits until it is done.
    pub async fn run(&self, command: Command, reason: &str) -> Result<Duration, Failure> {
        self.wait_open(&command).await?;
        let began = Instant::now();
        let request =
            RunCommand { migration: self.migration.clone(), command: command.clone(), reason: reason.to_owned() };
        let accepted: Accepted = self.call("run", request).await?;
        let mut said = None;
        loop {
            match self.call("command_result", ByTicket { ticket: accepted.ticket }).await? {
                CommandResult::Waiting | CommandResult::Running => {}
                CommandResult::Done { summary } => {
                    eprintln!("  {summary} ({:.1} s)", began.elapsed().as_secs_f64());
                    return Ok(began.elapsed());
                }
                CommandResult::Refused { why } => return Err(format!("{} was refused: {why}", command.label()).into()),
                CommandResult::Undone { summary } | CommandResult::Failed { summary } => {
                    return Err(format!("{}: {summary}", command.label()).into());
                }
            }
            let progress = self.progress(&command).await?;
            if progress != said {
                if let Some(line) = &progress {
                    eprintln!("    {line}");
                }
                said = progress;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Rehearses a failure with a tenth of the reads on the target; what it measured.
    pub async fn drill(&self, failure: Failing) -> Result<DrillResult, Failure> {
        let request = DrillRequest {
            migration: self.migration.clone(),
            failure,
            act: Act::Reads { percent: 10 },
            canary: None,
            password: None,
            goal_ms: None,
        };
        let accepted: DrillAccepted = self.call("drill_start", request).await?;
        let began = Instant::now();
        loop {
            let view: DrillsView = self.call("drills", ByName { name: self.migration.clone() }).await?;
            let ended = view.past.into_iter().find(|d| d.id == accepted.drill).and_then(|d| d.ended);
            if let Some((_, result)) = ended {
                return Ok(result);
            }
            if began.elapsed() > Duration::from_secs(180) {
                return Err("the drill does not end".into());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    async fn progress(&self, command: &Command) -> Result<Option<String>, Failure> {
        let cockpit = self.cockpit().await?;
        // The last figures of a copy that has just ended are seen once more in the next command.
        let copies = *command == Command::Replicate;
        let copying = cockpit.copy.as_ref().filter(|c| copies && !c.done).map(|c| {
            format!(
                "copying: {} of {} tables, {} of about {} rows",
                c.tables_done, c.tables_total, c.rows_done, c.rows_total
            )
        });
        let step = cockpit.running.and_then(|r| r.steps.last().map(|s| s.title.clone()));
        Ok(copying.or(step))
    }

    async fn wait_open(&self, command: &Command) -> Result<(), Failure> {
        let began = Instant::now();
        let mut said = String::new();
        loop {
            let request = PreviewRequest { migration: self.migration.clone(), command: command.clone() };
            let why = match self.call::<_, Preview>("preview", request).await {
                Ok(preview) => match preview.why_not {
                    None => return Ok(()),
                    Some(why) => why,
                },
                Err(e) => e.to_string(),
            };
            if began.elapsed() > Duration::from_secs(120) {
                return Err(format!("{} stays shut: {why}", command.label()).into());
            }
            // The figures in the sentence move; its first words say enough for a log.
            let gist: String = why.chars().take(12).collect();
            if gist != said {
                eprintln!("    waiting: {why}");
                said = gist;
            }
            tokio::time::sleep(Duration::from_millis(150)).await;
        }
    }
}
