//! Everything that is known to differ, into a file for people and other programs.
//!
//! Owns what is in the file; `draft` owns the file. Reads the store in pages and keeps none of them. It must never become a
//! command of the bridge: a page does not choose where files are written.

mod csv;
pub(crate) mod draft;
mod lines;

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use switchyard_engine::store::MigrationId;
use switchyard_model::{
    UnixMs,
    ident::TableName,
    reconcile::{ColumnDifference, Finding, FindingKind, Standing},
};

use self::draft::Draft;
use crate::{Switchyard, dto::*, verify::object};

/// Findings that are read at once.
const PAGE: i64 = 500;

/// How a file of findings is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A line per column that differs, for spreadsheets.
    Csv,
    /// A JSON object per row that differs, on a line of its own.
    Json,
}

impl Format {
    /// By the end of a file's name; CSV where that says nothing.
    pub fn of(file: &Path) -> Format {
        let ending = file.extension().and_then(|e| e.to_str()).unwrap_or_default().to_ascii_lowercase();
        if ["json", "jsonl", "ndjson"].contains(&ending.as_str()) { Format::Json } else { Format::Csv }
    }
}

/// A name for the file, where nobody has named one.
pub fn file_name(migration: &str) -> String {
    format!("{}-differences.csv", switchyard_model::ident::slug(migration))
}

/// Which findings go where.
#[derive(Debug, Clone)]
pub struct Export {
    /// The migration.
    pub migration: String,
    /// Only of this table.
    pub table: Option<TableName>,
    /// The file.
    pub file: PathBuf,
    /// How it is written.
    pub format: Format,
    /// Whether a file of this name may go.
    pub replace: bool,
}

/// One row of the file: a finding, or a row that kept changing.
struct Row<'a> {
    table: &'a TableName,
    id: Option<i64>,
    kind: Option<FindingKind>,
    key: Vec<(String, String)>,
    columns: Vec<ColumnDifference>,
    /// How many such rows each side holds; more than one only without a key.
    rows: Option<(i64, i64)>,
    at: UnixMs,
}

impl Row<'_> {
    fn key(&self) -> Map<String, Value> {
        object(self.key.clone())
    }

    /// `hot` stands for neither equal nor different.
    fn word(&self) -> &'static str {
        match self.kind {
            Some(FindingKind::MissingOnTarget) => "missing_on_target",
            Some(FindingKind::OnlyOnTarget) => "only_on_target",
            Some(FindingKind::Different) => "different",
            None => "hot",
        }
    }
}

impl Switchyard {
    /// Writes every finding of a migration into a file, then the hot rows that are known by name.
    ///
    /// # Errors
    /// The file is there already, or cannot be written; the store cannot be read. Nothing is left behind then.
    pub async fn export_findings(&self, export: Export) -> Result<Exported, ApiError> {
        let id = self.parts.store.migration_id(&export.migration).await?;
        let mut out = Out::beside(&export.file, export.format, export.replace)?;
        out.begin().await?;
        let mut standings = self.parts.store.standings(id).await?;
        standings.retain(|s| export.table.as_ref().is_none_or(|t| *t == s.table));
        for standing in &standings {
            self.export_table(id, standing, &mut out).await?;
        }
        out.end().await
    }

    async fn export_table(&self, id: MigrationId, standing: &Standing, out: &mut Out) -> Result<(), ApiError> {
        let mut after = 0;
        loop {
            let page = self.parts.store.findings(id, &standing.table, after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = last.id;
            out.told.findings += page.len() as i64;
            out.write(page.into_iter().map(|kept| found(&standing.table, kept.id, kept.finding))).await?;
        }
        out.told.hot += standing.hot;
        out.told.hot_unnamed += (standing.hot - standing.hot_rows.len() as i64).max(0);
        out.write(standing.hot_rows.iter().map(|key| hot(standing, key))).await
    }
}

fn found(table: &TableName, id: i64, finding: Finding) -> Row<'_> {
    Row {
        table,
        id: Some(id),
        kind: Some(finding.kind),
        key: finding.key,
        columns: finding.columns,
        rows: Some((finding.rows_source, finding.rows_target)),
        at: finding.at,
    }
}

fn hot<'a>(standing: &'a Standing, key: &[(String, String)]) -> Row<'a> {
    let at = standing.at.max(standing.full_at);
    Row { table: &standing.table, id: None, kind: None, key: key.to_vec(), columns: Vec::new(), rows: None, at }
}

/// A file of findings on its way.
struct Out {
    format: Format,
    draft: Draft,
    told: Exported,
}

impl Out {
    fn beside(file: &Path, format: Format, replace: bool) -> Result<Out, ApiError> {
        let draft = Draft::beside(file, "differences", replace)?;
        let told = Exported { file: String::new(), findings: 0, hot: 0, hot_unnamed: 0, bytes: 0 };
        Ok(Out { format, draft, told })
    }

    async fn begin(&mut self) -> Result<(), ApiError> {
        match self.format {
            Format::Csv => self.draft.put(&csv::head()).await,
            Format::Json => Ok(()),
        }
    }

    async fn write<'a>(&mut self, rows: impl Iterator<Item = Row<'a>>) -> Result<(), ApiError> {
        let mut text = String::new();
        for row in rows {
            match self.format {
                Format::Csv => csv::write(&row, &mut text),
                Format::Json => lines::write(&row, &mut text),
            }
        }
        self.draft.put(&text).await
    }

    async fn end(self) -> Result<Exported, ApiError> {
        let (file, bytes) = self.draft.keep().await?;
        Ok(Exported { file, bytes, ..self.told })
    }
}

#[cfg(test)]
mod tests;
