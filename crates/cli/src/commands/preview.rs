//! `preview`: what a command would do.

use switchyard_api::dto::*;
use switchyard_model::Command;

use super::Ctl;
use crate::{
    args::StepArgs,
    output::{self, Answer},
};

pub async fn run(ctl: &Ctl, migration: String, step: StepArgs) -> Result<Answer, ApiError> {
    let command = super::command(ctl, &migration, &step).await?;
    show(ctl, migration, command).await
}

pub async fn show(ctl: &Ctl, migration: String, command: Command) -> Result<Answer, ApiError> {
    let preview: Preview = ctl.call("preview", &PreviewRequest { migration, command }).await?;
    if ctl.json {
        output::json(&preview);
    } else {
        print(&preview);
    }
    Ok(if preview.open { Answer::Yes } else { Answer::No })
}

fn print(p: &Preview) {
    say!("{}\n{}\n", p.title, p.summary);
    for (i, step) in p.steps.iter().enumerate() {
        let last = step.last_ms.map_or_else(String::new, |ms| format!(", {ms:.1} ms the last time"));
        let point = if step.point_of_no_return { "  <- the point of no return" } else { "" };
        say!("{:>3}  {}  (≤ {:.1} s{last}){point}", i + 1, step.title, step.deadline_ms as f64 / 1000.0);
        for action in &step.actions {
            say!("       {}: {}", action.at, action.run.replace('\n', "\n         "));
        }
        if let Some(problem) = &step.problem {
            say!("       cannot be said now: {problem}");
        }
    }
    for fact in &p.facts {
        say!("  · {} ({})", fact.title, fact.detail);
    }
    match &p.why_not {
        None => say!("\nopen: it can be run now"),
        Some(why) => say!("\nshut: {why}"),
    }
}
