//! `switchyardctl plan`: strategy, timeline and pools, before the first step.

use switchyard_api::{
    dto::ApiError,
    plan::{PlanOf, Planned, PoolsPlan, StrategyPlan, TimelineQuestion, export, now},
    verify::End,
};
use switchyard_model::{
    migration::Strategy,
    plan::{
        Measured,
        pools::PhaseNeed,
        span,
        strategy::{Answers, name},
        timeline::Timeline,
    },
    time::date,
};

use super::{Ctl, verify::warn_of_password};
use crate::{
    args::{AnswerArgs, PlanCmd, PlanOfArgs},
    output::{self, Answer},
};

pub async fn run(ctl: &Ctl, command: PlanCmd) -> Result<Answer, ApiError> {
    match command {
        PlanCmd::Strategy { of, answers, copy } => {
            let plan = ctl.api.plan_strategy(&of_what(of)?, &answered(&answers)?, !copy.no_copy).await?;
            show(ctl, &plan, print_strategy);
            Ok(if plan.plan.advice.advised.is_some() { Answer::Yes } else { Answer::No })
        }
        PlanCmd::Timeline { of, answers, copy, strategy, start, changes, format } => {
            let format = Format::of(&format)?;
            let strategy = strategy.as_deref().map(parse_strategy).transpose()?;
            let (of, answers, copy) = (of_what(of)?, answered(&answers)?, !copy.no_copy);
            let request = TimelineQuestion { of, strategy, answers, start, changes, copy };
            let plan = ctl.api.plan_timeline(&request).await?;
            match (ctl.json, format) {
                (true, _) => output::json(&plan),
                (false, Format::Text) => print_timeline(&plan),
                (false, Format::Markdown) => say!("{}", export::markdown(&plan).trim_end()),
                (false, Format::Html) => say!("{}", export::html(&plan, now()).trim_end()),
                (false, Format::Ical) => say!("{}", export::icalendar(&plan, now()).trim_end()),
            }
            Ok(if plan.plan.unknown.is_empty() { Answer::Yes } else { Answer::No })
        }
        PlanCmd::Pools { of, pool } => {
            let plan = ctl.api.plan_pools(&of_what(of)?, pool).await?;
            show(ctl, &plan, print_pools);
            let warned = |p: &PhaseNeed| p.source.warning.is_some() || p.target.warning.is_some();
            Ok(if plan.plan.pools.phases.iter().any(warned) { Answer::No } else { Answer::Yes })
        }
    }
}

enum Format {
    Text,
    Markdown,
    Html,
    Ical,
}

impl Format {
    fn of(text: &str) -> Result<Format, ApiError> {
        match text {
            "text" => Ok(Format::Text),
            "markdown" => Ok(Format::Markdown),
            "html" => Ok(Format::Html),
            "ical" => Ok(Format::Ical),
            other => Err(invalid(
                format!("--format {other} is no format of a timeline."),
                "Choose text, markdown, html or ical.",
            )),
        }
    }
}

fn invalid(why: String, remedy: &str) -> ApiError {
    ApiError::new("invalid", why, remedy)
}

/// A strategy by its name on the command line.
pub(super) fn parse_strategy(text: &str) -> Result<Strategy, ApiError> {
    match text {
        "offline" => Ok(Strategy::Offline),
        "blue-green" => Ok(Strategy::BlueGreen),
        "rolling" => Ok(Strategy::Rolling),
        "live" => Ok(Strategy::Live),
        other => Err(invalid(format!("--strategy {other} is none."), "Choose offline, blue-green, rolling or live.")),
    }
}

fn of_what(of: PlanOfArgs) -> Result<PlanOf, ApiError> {
    match (of.migration, of.source, of.target) {
        (Some(name), _, _) => Ok(PlanOf::Migration(name)),
        (None, Some(source), Some(target)) => {
            for url in [&source, &target] {
                warn_of_password(url);
            }
            let end = |reference: String, variable: &str| End { reference, password: std::env::var(variable).ok() };
            Ok(PlanOf::Pair {
                source: end(source, "SWITCHYARD_SOURCE_PASSWORD"),
                target: end(target, "SWITCHYARD_TARGET_PASSWORD"),
            })
        }
        (None, _, _) => Err(invalid(
            "A plan is for a migration or for two databases, and neither was named.".to_owned(),
            "Give --migration NAME, or --source and --target.",
        )),
    }
}

fn answered(a: &AnswerArgs) -> Result<Answers, ApiError> {
    let downtime_s = span::parse(&a.downtime).map_err(|why| invalid(why, "For example --downtime 30s."))?;
    Ok(Answers { downtime_s, team: a.team, shards: a.shards, same_engine: true })
}

fn show<T: serde::Serialize>(ctl: &Ctl, plan: &Planned<T>, print: impl FnOnce(&Planned<T>)) {
    if ctl.json {
        output::json(plan);
    } else {
        print(plan);
    }
}

fn print_measured<T>(plan: &Planned<T>) {
    let m: &Measured = &plan.measured;
    let rate = |v: Option<f64>| v.map_or("not measured".to_owned(), |v| format!("{}/s", span::bytes(v)));
    say!("{} to {}", plan.source, plan.target);
    say!(
        "{} tables, {} rows, {} and {} of indexes; {:.0} writes/s, {:.0} transactions/s, log {}.",
        m.tables,
        m.rows,
        span::bytes(m.heap_bytes as f64),
        span::bytes(m.index_bytes as f64),
        m.writes_per_s.unwrap_or_default(),
        m.transactions_per_s.unwrap_or_default(),
        rate(m.wal_bytes_per_s)
    );
    say!("Copy {}, indexes {}.", rate(m.copy_bytes_per_s), rate(m.index_bytes_per_s));
    for note in &plan.notes {
        say!("{note}");
    }
    say!("");
}

fn print_strategy(plan: &Planned<StrategyPlan>) {
    print_measured(plan);
    let advice = &plan.plan.advice;
    for w in &advice.strategies {
        let mark = if advice.advised == Some(w.strategy) { "→" } else { " " };
        let downtime = w.downtime_s.map_or("not known".to_owned(), span::time);
        let runs = if w.runs { "" } else { " (not run by this version)" };
        say!("{mark} {:<16} downtime {downtime}, complexity {} of 5{runs}", name(w.strategy), w.complexity);
        say!("    {}", w.downtime);
        say!("    Volume: {}", w.volume);
        say!("    Way back: {}", w.rollback);
        for against in &w.against {
            say!("    Against it: {against}");
        }
    }
    say!("\n{}", advice.why);
    for missing in &advice.missing {
        say!("{missing}");
    }
    for c in &plan.plan.conditions {
        say!("To mend before: {} {}", c.why, c.remedy);
    }
}

fn print_timeline(plan: &Planned<Timeline>) {
    print_measured(plan);
    say!("{}", export::summary(&plan.plan));
    for t in &plan.plan.tasks {
        let state = export::state(t);
        say!("  {:<46} {:>5} days  {} to {}  {state}", t.title, t.days, date(t.begins), date(t.last()));
        say!("      {}: {}", t.id, t.why);
    }
    for unknown in &plan.plan.unknown {
        say!("{unknown}");
    }
}

fn print_pools(plan: &Planned<PoolsPlan>) {
    let p = &plan.plan;
    say!("{} to {}", plan.source, plan.target);
    say!(
        "A pool of {}: {} per side while both serve. In use now: {} on the source, {} on the target.\n",
        p.pools.pool,
        p.pools.half,
        p.source_room.used,
        p.target_room.used
    );
    say!("  {:<28} {:>16} {:>16}", "", "source", "target");
    for phase in &p.pools.phases {
        let side = |n: &switchyard_model::plan::pools::Need| format!("{} of {}", n.total, n.room);
        say!("  {:<28} {:>16} {:>16}", phase.phase, side(&phase.source), side(&phase.target));
        for warning in [&phase.source.warning, &phase.target.warning].into_iter().flatten() {
            say!("      {warning}");
        }
    }
    say!("\nFor PgBouncer:\n\n{}", p.pools.ini.trim_end());
    say!("\nFor the application:\n");
    for line in &p.pools.application {
        say!("- {line}");
    }
}
