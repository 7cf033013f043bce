//! Everything that is known to differ, into a file for people and other programs.
//!
//! Owns the file: it is for its owner alone, since it holds rows; it appears under its name when it is whole; and one that
//! is there already stays, unless somebody said that it may go. Reads the store in pages and keeps none of them. It must
//! never become a command of the bridge: a page does not choose where files are written.

mod csv;
mod lines;

use std::{
    io,
    path::{Path, PathBuf},
};

use serde_json::{Map, Value};
use switchyard_engine::store::MigrationId;
use switchyard_model::{
    UnixMs,
    ident::TableName,
    reconcile::{ColumnDifference, Finding, FindingKind, Standing},
};
use tempfile::NamedTempFile;
use tokio::io::AsyncWriteExt;

use crate::{Switchyard, dto::*, io_words, verify::object};

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
        let file = std::path::absolute(&export.file).map_err(|e| unwritten(&export.file, &e))?;
        if !export.replace && file.symlink_metadata().is_ok() {
            return Err(there_already(&file));
        }
        let mut out = Out::beside(&file, export.format)?;
        out.begin().await?;
        let mut standings = self.parts.store.standings(id).await?;
        standings.retain(|s| export.table.as_ref().is_none_or(|t| *t == s.table));
        for standing in &standings {
            self.export_table(id, standing, &mut out).await?;
        }
        out.end(export.replace).await
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

/// A file on its way.
struct Out {
    format: Format,
    /// Where it shall be in the end.
    file: PathBuf,
    /// Where it is until then; removed when it is dropped.
    draft: NamedTempFile,
    to: tokio::fs::File,
    told: Exported,
}

impl Out {
    /// In the same folder, so that it can be renamed; readable for its owner alone, as `tempfile` makes it.
    fn beside(file: &Path, format: Format) -> Result<Out, ApiError> {
        let folder = file.parent().filter(|_| file.file_name().is_some()).ok_or_else(|| no_name(file))?;
        let draft = tempfile::Builder::new()
            .prefix(".switchyard-export-")
            .tempfile_in(folder)
            .map_err(|e| unwritten(file, &e))?;
        let to = draft.reopen().map(tokio::fs::File::from_std).map_err(|e| unwritten(file, &e))?;
        let told = Exported { file: file.display().to_string(), findings: 0, hot: 0, hot_unnamed: 0, bytes: 0 };
        Ok(Out { format, file: file.to_path_buf(), draft, to, told })
    }

    async fn begin(&mut self) -> Result<(), ApiError> {
        match self.format {
            Format::Csv => self.put(&csv::head()).await,
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
        self.put(&text).await
    }

    async fn put(&mut self, text: &str) -> Result<(), ApiError> {
        self.told.bytes += text.len() as u64;
        self.to.write_all(text.as_bytes()).await.map_err(|e| unwritten(&self.file, &e))
    }

    /// On the disk, and then under its name.
    async fn end(mut self, replace: bool) -> Result<Exported, ApiError> {
        let flushed = match self.to.flush().await {
            Ok(()) => self.to.sync_all().await,
            Err(e) => Err(e),
        };
        flushed.map_err(|e| unwritten(&self.file, &e))?;
        let kept = if replace { self.draft.persist(&self.file) } else { self.draft.persist_noclobber(&self.file) };
        match kept {
            Ok(_) => Ok(self.told),
            Err(e) if e.error.kind() == io::ErrorKind::AlreadyExists => Err(there_already(&self.file)),
            Err(e) => Err(unwritten(&self.file, &e.error)),
        }
    }
}

fn there_already(file: &Path) -> ApiError {
    let why = format!("{} is there already and stays as it is.", file.display());
    ApiError::new("refused", why, "Choose another name, or move the file away.")
}

fn no_name(file: &Path) -> ApiError {
    let why = format!("“{}” is no name of a file.", file.display());
    ApiError::new("invalid", why, "Write a path that ends with a file's name, for example differences.csv.")
}

fn unwritten(file: &Path, e: &io::Error) -> ApiError {
    let why = format!("The differences could not be written to {}: {}.", file.display(), io_words(e));
    ApiError::new("failed", why, "Nothing was left there. Choose a folder that exists, may be written to and has room.")
}

#[cfg(test)]
mod tests;
