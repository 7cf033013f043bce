//! The preflight of a pair of databases, with or without a migration: what would stop, lose or slow the move, before it does.
//!
//! Looks and judges; the judgement itself is the model's, and nothing is run or kept.

pub mod html;
pub mod junit;
pub mod markdown;
mod row;
pub mod text;

use std::path::PathBuf;

use serde::Serialize;
use switchyard_engine::clock::{Clock, SystemClock};
use switchyard_model::{
    Side,
    check::Check,
    inventory::Inventory,
    preflight::{
        self,
        accepted::{AcceptedCheck, cover},
    },
    schema::Severity,
};

pub use row::{AcceptedRow, Row, Word};

use crate::{Switchyard, dto::ApiError, schema::accepted_in, verify::End};

/// Sessions per side: one reads, one is spare for the facts in a snapshot.
const LANES: usize = 2;

/// What to judge.
#[derive(Debug)]
pub struct PreflightRequest {
    /// The source.
    pub source: End,
    /// The target.
    pub target: End,
    /// A file of checks that were accepted.
    pub accept: Option<PathBuf>,
}

/// The whole answer.
#[derive(Debug, Serialize)]
pub struct PreflightReport {
    /// Every check: what fails first, worst first, then what is not known, then what was accepted, then what passes.
    pub checks: Vec<Row>,
    /// How many fail and were not accepted.
    pub failed: usize,
    /// How many could not be answered and were not accepted.
    pub unknown: usize,
    /// How many pass.
    pub passed: usize,
    /// How many were accepted.
    pub accepted: usize,
    /// Entries that were accepted and are about nothing any more.
    pub idle: Vec<String>,
    /// The source's name and version.
    pub source: String,
    /// The target's name and version.
    pub target: String,
    /// Wall time of reading both sides, s.
    pub read_seconds: f64,
}

impl PreflightReport {
    /// How many that are at least this bad fail.
    pub fn failed_at(&self, level: Severity) -> usize {
        self.rows(Word::Fail).filter(|r| r.severity <= level).count()
    }

    /// How many that are at least this bad could not be answered.
    pub fn unknown_at(&self, level: Severity) -> usize {
        self.rows(Word::Unknown).filter(|r| r.severity <= level).count()
    }

    /// Those with this verdict that nobody accepted.
    fn rows(&self, word: Word) -> impl Iterator<Item = &Row> {
        self.checks.iter().filter(move |r| r.verdict == word && r.open)
    }

    /// The numbers in a sentence.
    pub fn summary(&self) -> String {
        let number = |s: Severity| self.rows(Word::Fail).filter(|r| r.severity == s).count();
        let parts: Vec<String> =
            Severity::ALL.iter().filter(|s| number(**s) > 0).map(|s| format!("{} {}", number(*s), s.words())).collect();
        let failed = match self.failed {
            0 => "No check fails".to_owned(),
            1 => format!("1 check fails ({})", parts.join(", ")),
            n => format!("{n} checks fail ({})", parts.join(", ")),
        };
        let more = |n: usize, what: &str| if n == 0 { String::new() } else { format!(", {n} {what}") };
        format!("{failed}{}{}; {} pass.", more(self.unknown, "not known"), more(self.accepted, "accepted"), self.passed)
    }
}

impl Switchyard {
    /// Reads both sides and judges them.
    ///
    /// # Errors
    /// When a side cannot be reached or read at all, or the file of accepted checks cannot be understood.
    pub async fn preflight(&self, request: PreflightRequest) -> Result<PreflightReport, ApiError> {
        self.preflight_when(request, false).await
    }

    /// The same on the two sides of a migration; while it replicates, without the checks that its own replication answers.
    ///
    /// # Errors
    /// As [`Switchyard::preflight`], and when there is no such migration.
    pub async fn preflight_of(&self, migration: &str, accept: Option<PathBuf>) -> Result<PreflightReport, ApiError> {
        let (_, book) = self.named(migration).await?;
        let state = book.state().await;
        let end = |reference: &str| End { reference: reference.to_owned(), password: None };
        let request = PreflightRequest { source: end(&state.spec.source), target: end(&state.spec.target), accept };
        self.preflight_when(request, state.milestones.replicating.is_some()).await
    }

    async fn preflight_when(&self, request: PreflightRequest, replicates: bool) -> Result<PreflightReport, ApiError> {
        // Before anything is asked of a server: a typing error in the file costs no look.
        let entries = match &request.accept {
            Some(file) => accepted_in(file)?.1,
            None => Vec::new(),
        };
        let (source, target) = tokio::try_join!(
            self.end(Side::Source, &request.source, LANES),
            self.end(Side::Target, &request.target, LANES)
        )?;
        let began = std::time::Instant::now();
        let now = SystemClock.now();
        let (here, there) = tokio::try_join!(source.catalog.inventory(now), target.catalog.inventory(now))?;
        let read_seconds = began.elapsed().as_secs_f64();
        let mut checks = preflight::judge(&here, &there);
        if replicates {
            checks = preflight::while_replicating(checks);
        }
        let names = (named(&source.label, &here), named(&target.label, &there));
        Ok(answer(&checks, &entries, names, read_seconds))
    }
}

fn named(label: &str, inventory: &Inventory) -> String {
    format!("{label}, PostgreSQL {}", inventory.server.version)
}

fn answer(
    checks: &[Check],
    entries: &[AcceptedCheck],
    (source, target): (String, String),
    read_seconds: f64,
) -> PreflightReport {
    let mut used: Vec<&AcceptedCheck> = Vec::new();
    let mut rows: Vec<Row> = Vec::new();
    for check in checks {
        let cover = cover(check, entries);
        used.extend(&cover.entries);
        rows.push(Row::of(check, &cover));
    }
    // Stable: within one rank the order is the judgement's own, pair, source, target.
    rows.sort_by_key(Row::rank);
    let count = |is: &dyn Fn(&Row) -> bool| rows.iter().filter(|r| is(r)).count();
    PreflightReport {
        failed: count(&|r| r.open && r.verdict == Word::Fail),
        unknown: count(&|r| r.open && r.verdict == Word::Unknown),
        passed: count(&|r| r.verdict == Word::Pass),
        accepted: count(&|r| !r.open && r.verdict != Word::Pass),
        idle: entries.iter().filter(|e| !used.contains(e)).map(AcceptedCheck::shown).collect(),
        checks: rows,
        source,
        target,
        read_seconds,
    }
}
