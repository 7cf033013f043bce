//! One file per command.

mod aftermath;
mod capture;
mod consistency;
mod consumers;
mod drill;
mod drive;
mod dual_write;
mod endpoint;
mod findings;
mod journal;
mod limits;
mod load;
mod metrics;
mod migration;
mod plan;
mod preview;
mod queries;
mod repaired;
mod replay;
mod run;
mod schema;
mod sentry;
mod shadow;
mod status;
mod transactions;
mod verify;

use std::sync::Arc;

use serde::{Serialize, de::DeserializeOwned};
use switchyard_api::{Options, Switchyard, dto::ApiError};
use switchyard_model::Command;

use crate::{
    args::{Args, Cmd, JournalCmd, StepArgs},
    output::{self, Answer},
};

/// What every command gets.
pub struct Ctl {
    pub api: Arc<Switchyard>,
    pub json: bool,
}

impl Ctl {
    /// A command of the API, typed.
    pub async fn call<A: Serialize, R: DeserializeOwned>(&self, name: &str, args: &A) -> Result<R, ApiError> {
        let broken = |e: serde_json::Error| {
            ApiError::new("failed", format!("The answer of {name} cannot be read: {e}."), "Update.")
        };
        let args = serde_json::to_value(args).map_err(broken)?;
        serde_json::from_value(self.api.call(name, args).await?).map_err(broken)
    }
}

/// Runs the command of the arguments.
pub async fn run(args: Args) -> Result<Answer, ApiError> {
    // It stands where no store is.
    if let Cmd::Sentry(sentry) = args.command {
        return sentry::run(sentry, args.json).await;
    }
    let api = Switchyard::open(Options { store: args.store, guarded: true, ..Options::default() }).await?;
    let ctl = Ctl { api: api.clone(), json: args.json };
    let answer = match args.command {
        Cmd::Endpoint(cmd) => endpoint::run(&ctl, cmd).await,
        Cmd::Migration(cmd) => migration::run(&ctl, cmd).await,
        Cmd::Status { migration, checks } => status::run(&ctl, migration, checks).await,
        Cmd::Preview { migration, step } => preview::run(&ctl, migration, step).await,
        Cmd::Run { migration, step, reason, wait } => run::run(&ctl, migration, step, reason, wait).await,
        Cmd::Rollback { migration, preview: true, .. } => preview::show(&ctl, migration, Command::RollBack).await,
        Cmd::Rollback { migration, reason, .. } => run::follow(&ctl, migration, Command::RollBack, reason).await,
        Cmd::Journal { action: Some(JournalCmd::Verify { migration, head }), .. } => {
            journal::verify(&ctl, &migration, head.as_deref()).await
        }
        Cmd::Journal { action: None, migration, after, limit } => {
            journal::run(&ctl, migration.unwrap_or_default(), after, limit).await
        }
        Cmd::SignOff { migration, check, name, reason } => status::sign_off(&ctl, migration, check, name, reason).await,
        Cmd::Override { migration, gate, name, reason } => {
            status::override_gate(&ctl, migration, gate, name, reason).await
        }
        Cmd::Drill(cmd) => drill::run(&ctl, cmd).await,
        Cmd::DualWrite(cmd) => dual_write::run(&ctl, cmd).await,
        Cmd::Plan(cmd) => plan::run(&ctl, cmd).await,
        Cmd::Schema(cmd) => schema::run(&ctl, cmd).await,
        Cmd::Verify(args) => verify::run(&ctl, args).await,
        Cmd::Consistency(args) => consistency::run(&ctl, args).await,
        Cmd::Findings { migration, table, export: None, .. } => findings::run(&ctl, migration, table).await,
        Cmd::Findings { migration, table, export: Some(file), format } => {
            findings::export(&ctl, migration, table, file, format).await
        }
        Cmd::Transactions(args) => transactions::run(&ctl, args).await,
        Cmd::Limits { migration, set } => limits::run(&ctl, migration, set).await,
        Cmd::Metrics(cmd) => metrics::run(&ctl, cmd).await,
        Cmd::Capture(cmd) => capture::run(&ctl, cmd).await,
        Cmd::Replay(cmd) => replay::run(&ctl, cmd).await,
        Cmd::Load(cmd) => load::run(&ctl, cmd).await,
        Cmd::Queries(cmd) => queries::run(&ctl, cmd).await,
        Cmd::Shadow(cmd) => shadow::run(&ctl, cmd).await,
        Cmd::Sentry(args) => sentry::run(args, ctl.json).await,
        Cmd::Drive { migration } => drive::run(&ctl, migration).await,
    };
    if let (Err(e), true) = (&answer, args.json) {
        output::json(&serde_json::json!({ "error": e }));
        tell!("switchyardctl: {}\n  {}", e.message, e.remedy);
        let refused = e.code == "refused";
        api.shut_down().await;
        return Ok(if refused { Answer::No } else { Answer::Unable });
    }
    api.shut_down().await;
    answer
}

/// The command that the arguments name; `next` asks the cockpit.
pub async fn command(ctl: &Ctl, migration: &str, step: &StepArgs) -> Result<Command, ApiError> {
    let wrong = |message: String| ApiError::new("invalid", message, "See switchyardctl help run.");
    if step.step != "repair" && (step.table.is_some() || !step.findings.is_empty()) {
        return Err(wrong(format!("--table and --finding choose rows to repair, and “{}” takes none.", step.step)));
    }
    Ok(match step.step.as_str() {
        "next" => {
            let cockpit = status::cockpit(ctl, migration).await?;
            let next = cockpit.next.ok_or_else(|| {
                ApiError::new("refused", "There is no next command: the migration is over.", "Nothing is left to do.")
            })?;
            match next.command {
                // Cleanup asks for the name each time, also when it is next.
                Command::Cleanup { .. } => Command::Cleanup { typed_name: step.value.clone().unwrap_or_default() },
                other => other,
            }
        }
        "analyze" => Command::Analyze,
        "prepare" => Command::Prepare,
        "hold" => Command::Hold,
        "release" => Command::Release,
        "replicate" => Command::Replicate,
        "validate" => Command::Validate,
        "repair" => Command::Repair {
            table: match &step.table {
                Some(text) => Some(findings::table(ctl, migration, text).await?),
                None => None,
            },
            findings: step.findings.clone(),
        },
        "writes" => Command::SwitchWrites,
        "rollback" => Command::RollBack,
        "cleanup" => Command::Cleanup { typed_name: step.value.clone().unwrap_or_default() },
        "reads" => {
            let text = step.value.as_deref().unwrap_or("").trim_end_matches('%');
            let percent = text
                .parse()
                .map_err(|_| wrong(format!("“{text}” is not a percentage: write for example reads 10.")))?;
            Command::ShiftReads { percent }
        }
        other => return Err(wrong(format!("“{other}” is no command of a migration."))),
    })
}
