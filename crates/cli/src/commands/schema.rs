//! `switchyardctl schema`: what a database holds, how two differ, and whether one can be moved to the other.

use switchyard_api::{
    dto::ApiError,
    preflight::{self, PreflightReport, PreflightRequest},
    schema::{SchemaDiffRequest, SchemaDifferences, SchemaInventory, html, junit, markdown, text},
    verify::End,
};
use switchyard_model::schema::Severity;

use super::{Ctl, verify::warn_of_password};
use crate::{
    args::{SchemaCmd, SchemaPairArgs},
    output::{self, Answer},
};

/// Rows of the inventory's list of tables that are printed for people; `--json` has them all.
const SHOWN: usize = 20;

pub async fn run(ctl: &Ctl, command: SchemaCmd) -> Result<Answer, ApiError> {
    match command {
        SchemaCmd::Inventory { endpoint } => inventory(ctl, endpoint).await,
        SchemaCmd::Diff(args) => diff(ctl, args).await,
        SchemaCmd::Preflight(args) => preflight(ctl, args).await,
        SchemaCmd::Consumers(args) => super::consumers::run(ctl, args).await,
        SchemaCmd::Accepted { migration } => {
            say!("{}", ctl.api.accepted_file(&migration).await?.trim_end());
            Ok(Answer::Yes)
        }
    }
}

async fn inventory(ctl: &Ctl, endpoint: String) -> Result<Answer, ApiError> {
    warn_of_password(&endpoint);
    let found = ctl.api.schema_inventory(end(endpoint, "SWITCHYARD_PASSWORD")).await?;
    if ctl.json {
        output::json(&found);
    } else {
        print(&found);
    }
    Ok(Answer::Yes)
}

async fn diff(ctl: &Ctl, args: SchemaPairArgs) -> Result<Answer, ApiError> {
    let level = level(&args.fail_on)?;
    let format = args.format.as_deref().map(Format::of).transpose()?;
    let accept = args.accept.clone();
    let found = match ends(args, "A comparison")? {
        Of::Migration(name) => ctl.api.schema_diff_of(&name, accept).await?,
        Of::Ends(source, target) => {
            let request = SchemaDiffRequest { source, target, accept, accepted: Vec::new() };
            ctl.api.schema_diff(request).await?
        }
    };
    match format {
        None if ctl.json => output::json(&found),
        None => say!("{}", Format::Text.differences(&found, level).trim_end()),
        Some(format) => say!("{}", format.differences(&found, level).trim_end()),
    }
    // A kind that was not read may differ: equal is said of what was seen.
    let blind = found.unseen.iter().any(|u| u.kind.is_some());
    Ok(match (found.at_least(level), blind) {
        (0, false) => Answer::Yes,
        (0, true) => Answer::Unable,
        (_, _) => Answer::No,
    })
}

async fn preflight(ctl: &Ctl, args: SchemaPairArgs) -> Result<Answer, ApiError> {
    let level = level(&args.fail_on)?;
    let format = args.format.as_deref().map(Format::of).transpose()?;
    let accept = args.accept.clone();
    let found = match ends(args, "A preflight")? {
        Of::Migration(name) => ctl.api.preflight_of(&name, accept).await?,
        Of::Ends(source, target) => ctl.api.preflight(PreflightRequest { source, target, accept }).await?,
    };
    match format {
        None if ctl.json => output::json(&found),
        None => say!("{}", Format::Text.preflight(&found, level).trim_end()),
        Some(format) => say!("{}", format.preflight(&found, level).trim_end()),
    }
    Ok(match (found.failed_at(level), found.unknown_at(level)) {
        (0, 0) => Answer::Yes,
        (0, _) => Answer::Unable,
        (_, _) => Answer::No,
    })
}

/// Which two databases.
enum Of {
    Migration(String),
    Ends(End, End),
}

fn ends(args: SchemaPairArgs, what: &str) -> Result<Of, ApiError> {
    match (args.migration, args.source, args.target) {
        (Some(name), _, _) => Ok(Of::Migration(name)),
        (None, Some(source), Some(target)) => {
            for url in [&source, &target] {
                warn_of_password(url);
            }
            Ok(Of::Ends(end(source, "SWITCHYARD_SOURCE_PASSWORD"), end(target, "SWITCHYARD_TARGET_PASSWORD")))
        }
        (None, _, _) => {
            let why = format!("{what} is of a migration or of two databases, and neither was named.");
            Err(ApiError::new("invalid", why, "Give --source and --target, or --migration NAME."))
        }
    }
}

fn end(reference: String, variable: &str) -> End {
    End { reference, password: std::env::var(variable).ok() }
}

fn level(word: &str) -> Result<Severity, ApiError> {
    match word {
        "blocks" => Ok(Severity::Blocks),
        "data" => Ok(Severity::Data),
        "speed" => Ok(Severity::Speed),
        "any" => Ok(Severity::Cosmetic),
        other => Err(ApiError::new(
            "invalid",
            format!("--fail-on “{other}” is no level."),
            "Give blocks, data, speed or any; each counts itself and what is worse.",
        )),
    }
}

/// How differences are printed.
#[derive(Debug, Clone, Copy)]
enum Format {
    Text,
    Markdown,
    Html,
    Junit,
}

impl Format {
    fn of(word: &str) -> Result<Format, ApiError> {
        match word {
            "text" => Ok(Format::Text),
            "markdown" => Ok(Format::Markdown),
            "html" => Ok(Format::Html),
            "junit" => Ok(Format::Junit),
            other => Err(ApiError::new(
                "invalid",
                format!("--format “{other}” is none that can be written."),
                "Give text, markdown, html or junit, or --json.",
            )),
        }
    }

    fn differences(self, found: &SchemaDifferences, level: Severity) -> String {
        match self {
            Format::Text => text::render(found),
            Format::Markdown => markdown::render(found),
            Format::Html => html::render(found),
            Format::Junit => junit::render(found, level),
        }
    }

    fn preflight(self, found: &PreflightReport, level: Severity) -> String {
        match self {
            Format::Text => preflight::text::render(found),
            Format::Markdown => preflight::markdown::render(found),
            Format::Html => preflight::html::render(found),
            Format::Junit => preflight::junit::render(found, level),
        }
    }
}

fn print(found: &SchemaInventory) {
    let i = &found.inventory;
    say!("{}, PostgreSQL {}", found.endpoint, i.version);
    let mut counts = std::collections::BTreeMap::new();
    for item in i.items() {
        *counts.entry(item.kind()).or_insert(0) += 1;
    }
    for (kind, count) in counts {
        say!("  {count:>7}  {}", kind.word().replace('_', " "));
    }
    let mut sizes: Vec<_> = i.sizes.iter().collect();
    sizes.sort_by_key(|s| -(s.heap_bytes + s.index_bytes + s.toast_bytes));
    if !sizes.is_empty() {
        say!("largest tables: MB, of it indexes and TOAST, rows, dead rows");
    }
    for s in sizes.into_iter().take(SHOWN) {
        let mb = |bytes: i64| bytes as f64 / 1_048_576.0;
        let bloat =
            s.bloat_hint.filter(|b| *b >= 0.3).map_or(String::new(), |b| format!("  perhaps {:.0} % empty", b * 100.0));
        say!(
            "  {:>10.1} {:>10.1} {:>10.1} {:>12} {:>10}  {}{bloat}",
            mb(s.heap_bytes + s.index_bytes + s.toast_bytes),
            mb(s.index_bytes),
            mb(s.toast_bytes),
            if s.estimated_rows < 0 { "?".to_owned() } else { s.estimated_rows.to_string() },
            s.dead_rows,
            one_line(&switchyard_model::schema::name::printable(&s.name))
        );
    }
    for u in &i.unseen {
        say!("not seen  {}: {}", one_line(&u.object), one_line(&u.why));
    }
    say!("Read in {:.1} s; --json has everything.", found.seconds);
}

fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
