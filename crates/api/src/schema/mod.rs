//! The schemas of two databases: what one holds, and how two differ, with or without a migration.

mod accept;
pub mod consumers;
pub mod html;
pub mod junit;
pub mod markdown;
pub mod text;
mod view;

use std::path::{Path, PathBuf};

use serde::Serialize;
use switchyard_engine::{
    db::{Database, schema::Extent},
    error::words,
};
use switchyard_model::{
    Side,
    preflight::accepted::AcceptedCheck,
    schema::{self, Comparison, Difference, Inventory, Severity, accepted},
};

use crate::{Switchyard, dto::ApiError, verify::End};

/// Sessions per side: one reads, one is spare for the login.
const LANES: usize = 2;

/// What to compare.
#[derive(Debug)]
pub struct SchemaDiffRequest {
    /// The source.
    pub source: End,
    /// The target.
    pub target: End,
    /// A file of differences that were accepted.
    pub accept: Option<PathBuf>,
    /// Others that were accepted: a migration's own.
    pub accepted: Vec<accepted::Accepted>,
}

/// What one database holds.
#[derive(Debug, Serialize)]
pub struct SchemaInventory {
    /// The endpoint's name, or its address.
    pub endpoint: String,
    /// Everything.
    #[serde(flatten)]
    pub inventory: Inventory,
    /// Which object needs which.
    pub dependencies: Vec<schema::Dependency>,
    /// Functions whose text names relations.
    pub mentions: Vec<schema::Mention>,
    /// Wall time of the reading, s.
    pub seconds: f64,
}

/// A difference that was accepted.
#[derive(Debug, Clone, Serialize)]
pub struct AcceptedDifference {
    /// What differs.
    #[serde(flatten)]
    pub difference: Difference,
    /// Why it may.
    pub reason: String,
    /// Who said so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// The whole answer.
#[derive(Debug, Serialize)]
pub struct SchemaDifferences {
    /// Those that nobody accepted, in an order in which their SQL can be run.
    pub differences: Vec<Difference>,
    /// Those that somebody did.
    pub accepted: Vec<AcceptedDifference>,
    /// Entries that were accepted and are about nothing any more.
    pub idle: Vec<String>,
    /// The same, whole.
    #[serde(skip)]
    pub idle_entries: Vec<accepted::Accepted>,
    /// Objects by kind.
    pub counts: std::collections::BTreeMap<schema::Kind, schema::Count>,
    /// What could not be compared.
    pub unseen: Vec<schema::Unseen>,
    /// The source's name and version.
    pub source: String,
    /// The target's name and version.
    pub target: String,
    /// Wall time of reading both sides, s.
    pub read_seconds: f64,
    /// Wall time of comparing them, s.
    pub compare_seconds: f64,
}

impl SchemaDifferences {
    /// How many are at least this bad.
    pub fn at_least(&self, level: Severity) -> usize {
        self.differences.iter().filter(|d| d.severity <= level).count()
    }

    /// The numbers in a sentence.
    pub fn summary(&self) -> String {
        let number = |s: Severity| self.differences.iter().filter(|d| d.severity == s).count();
        let parts: Vec<String> =
            Severity::ALL.iter().filter(|s| number(**s) > 0).map(|s| format!("{} {}", number(*s), s.words())).collect();
        let equal: u32 = self.counts.values().map(|c| c.equal).sum();
        let found = match self.differences.len() {
            0 => "No differences".to_owned(),
            1 => format!("1 difference ({})", parts.join(", ")),
            n => format!("{n} differences ({})", parts.join(", ")),
        };
        let accepted = match self.accepted.len() {
            0 => String::new(),
            n => format!(", {n} accepted"),
        };
        format!("{found}{accepted}; {equal} objects are equal.")
    }
}

impl Switchyard {
    /// Reads what one database holds, with sizes.
    ///
    /// # Errors
    /// When it cannot be reached or read at all.
    pub async fn schema_inventory(&self, endpoint: End) -> Result<SchemaInventory, ApiError> {
        let database = self.end(Side::Source, &endpoint, LANES).await?;
        let began = std::time::Instant::now();
        let inventory = database.schemas.schema(Extent::WithSizes).await?;
        let seconds = began.elapsed().as_secs_f64();
        let (dependencies, mentions) = (schema::dependencies(&inventory), schema::mentions(&inventory));
        Ok(SchemaInventory { endpoint: database.label, inventory, dependencies, mentions, seconds })
    }

    /// Compares two schemas.
    ///
    /// # Errors
    /// When a side cannot be reached or read at all, or the file of accepted differences cannot be understood.
    pub async fn schema_diff(&self, request: SchemaDiffRequest) -> Result<SchemaDifferences, ApiError> {
        // Before anything is asked of a server: a typing error in the file costs no look.
        let mut entries = request.accepted;
        if let Some(file) = &request.accept {
            // What the file says of a difference goes before what was said in the window.
            entries.splice(0..0, read_accepted(file)?);
        }
        let (source, target) = tokio::try_join!(
            self.end(Side::Source, &request.source, LANES),
            self.end(Side::Target, &request.target, LANES)
        )?;
        let began = std::time::Instant::now();
        let (here, there) =
            tokio::try_join!(source.schemas.schema(Extent::Definitions), target.schemas.schema(Extent::Definitions))?;
        let read_seconds = began.elapsed().as_secs_f64();
        let began = std::time::Instant::now();
        let comparison = schema::difference(&here, &there);
        let compare_seconds = began.elapsed().as_secs_f64();
        let names = (named(&source, &here), named(&target, &there));
        Ok(answer(comparison, &entries, names, (read_seconds, compare_seconds)))
    }
}

fn named(database: &Database, inventory: &Inventory) -> String {
    format!("{}, PostgreSQL {}", database.label, inventory.version)
}

fn answer(
    comparison: Comparison,
    entries: &[accepted::Accepted],
    (source, target): (String, String),
    (read_seconds, compare_seconds): (f64, f64),
) -> SchemaDifferences {
    let (differences, taken, idle) = accepted::apply(comparison.differences, entries);
    let accepted = taken.into_iter().map(|(difference, entry)| AcceptedDifference {
        difference,
        reason: entry.reason,
        by: entry.by,
    });
    SchemaDifferences {
        differences,
        accepted: accepted.collect(),
        idle: idle.iter().map(accepted::Accepted::shown).collect(),
        idle_entries: idle,
        counts: comparison.counts,
        unseen: comparison.unseen,
        source,
        target,
        read_seconds,
        compare_seconds,
    }
}

fn read_accepted(file: &Path) -> Result<Vec<accepted::Accepted>, ApiError> {
    accepted_in(file).map(|(differences, _)| differences)
}

/// Everything that a file accepts: differences, and checks of the preflight.
pub(crate) fn accepted_in(file: &Path) -> Result<(Vec<accepted::Accepted>, Vec<AcceptedCheck>), ApiError> {
    let shown = file.display();
    let text = std::fs::read_to_string(file).map_err(|e| {
        let why = format!("The accepted differences in “{shown}” cannot be read: {}.", words(&e));
        ApiError::new("invalid", why, "Check the path and its permissions.")
    })?;
    accepted::parse_all(&text).map_err(|why| {
        ApiError::new(
            "invalid",
            format!("The accepted differences in “{shown}” cannot be understood: {}.", why.trim_end_matches('.')),
            "An entry is [[accepted]] with object, kind, what, source, target and reason, as diff --json prints them; or with check, \
             object and reason, as preflight --json prints them.",
        )
    })
}
