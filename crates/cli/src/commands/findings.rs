//! `findings`: rows that were found different, and the tables they are named by.

use std::path::PathBuf;

use serde::Serialize;
use switchyard_api::{
    dto::*,
    export::{Export, Format},
};
use switchyard_model::{
    ident::TableName,
    reconcile::{Finding, FindingKind},
};

use super::Ctl;
use crate::output::{self, Answer};

/// Findings that are asked for at once.
const PAGE: i64 = 500;

/// Findings of one table that are printed for people; `--json` has them all.
const SHOWN: i64 = 20;

#[derive(Serialize)]
struct Listed {
    id: i64,
    table: String,
    #[serde(flatten)]
    finding: Finding,
}

pub async fn run(ctl: &Ctl, migration: String, table: Option<String>) -> Result<Answer, ApiError> {
    let tables = match table {
        Some(text) => vec![self::table(ctl, &migration, &text).await?],
        None => known(ctl, &migration).await?,
    };
    let (mut all, mut total) = (Vec::new(), 0);
    for table in &tables {
        total += list(ctl, &migration, table, &mut all).await?;
    }
    if ctl.json {
        output::json(&serde_json::json!({ "findings": all, "total": total }));
    } else if total == 0 {
        say!("No row is known to differ.");
    }
    Ok(if total == 0 { Answer::Yes } else { Answer::No })
}

/// `--export`: all of them into a file.
pub async fn export(
    ctl: &Ctl,
    migration: String,
    table: Option<String>,
    file: PathBuf,
    format: Option<String>,
) -> Result<Answer, ApiError> {
    let table = match table {
        Some(text) => Some(self::table(ctl, &migration, &text).await?),
        None => None,
    };
    let format = match format.as_deref() {
        Some("json") => Format::Json,
        Some(_) => Format::Csv,
        None => Format::of(&file),
    };
    let told = ctl.api.export_findings(Export { migration, table, file, format, replace: false }).await?;
    if ctl.json {
        output::json(&told);
    } else {
        let unnamed = match told.hot_unnamed {
            0 => String::new(),
            n => format!(" ({n} more are counted and not known by name)"),
        };
        say!("{} rows that differ and {} hot rows{unnamed}: {}", told.findings, told.hot - told.hot_unnamed, told.file);
    }
    Ok(if told.findings == 0 { Answer::Yes } else { Answer::No })
}

/// A table by the name that people write.
pub async fn table(ctl: &Ctl, migration: &str, text: &str) -> Result<TableName, ApiError> {
    let found = known(ctl, migration).await?.into_iter().find(|t| t.plain() == text);
    let parts = || text.split_once('.').map(|(schema, name)| TableName::new(schema, name));
    found.or_else(parts).ok_or_else(|| {
        let why = format!("“{text}” is no name of a table.");
        ApiError::new("invalid", why, "Write it as schema.table; letters count as they are stored.")
    })
}

/// Tables that were compared.
async fn known(ctl: &Ctl, migration: &str) -> Result<Vec<TableName>, ApiError> {
    let all: Consistency = ctl.call("consistency", &ByName { name: migration.to_owned() }).await?;
    Ok(all.tables.into_iter().map(|t| t.standing.table).collect())
}

/// Prints a table's findings, or collects them; returns how many there are.
async fn list(ctl: &Ctl, migration: &str, table: &TableName, all: &mut Vec<Listed>) -> Result<i64, ApiError> {
    let (mut after, mut shown) = (0, 0);
    loop {
        let request = FindingsRequest { migration: migration.to_owned(), table: table.clone(), after, most: PAGE };
        let page: FindingsPage = ctl.call("findings", &request).await?;
        for NumberedFinding { id, finding } in page.findings {
            after = id;
            shown += 1;
            if ctl.json {
                all.push(Listed { id, table: table.plain(), finding });
            } else if shown <= SHOWN {
                print(table, id, &finding);
            }
        }
        let seen_all = shown >= page.total || after == request.after;
        if seen_all || (!ctl.json && shown >= SHOWN) {
            if !ctl.json && page.total > SHOWN {
                say!("       … and {} more of {}; --json lists them all", page.total - SHOWN, table.plain());
            }
            return Ok(page.total);
        }
    }
}

fn print(table: &TableName, id: i64, finding: &Finding) {
    let key: Vec<String> = finding.key.iter().map(|(c, v)| format!("{c} = {v}")).collect();
    say!("{id:>6}  {}  {}  {}", table.plain(), word(finding.kind), key.join(", "));
    for c in &finding.columns {
        let text = |v: &Option<String>| v.clone().unwrap_or_else(|| "NULL".to_owned());
        say!("            {}: source {} | target {}", c.column, text(&c.source), text(&c.target));
    }
}

/// A kind of finding in words.
pub fn word(kind: FindingKind) -> &'static str {
    match kind {
        FindingKind::MissingOnTarget => "missing on the target",
        FindingKind::OnlyOnTarget => "only on the target",
        FindingKind::Different => "different",
    }
}
