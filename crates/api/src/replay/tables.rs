//! Tables of both copies, by the comparison that migrations use.

use std::{sync::Arc, time::Duration};

use serde::Serialize;
use switchyard_capture::compare::{Ran, is_of};
use switchyard_model::reconcile::ColumnDifference;

use crate::{
    Pace, Switchyard,
    dto::ApiError,
    verify::{End, Verified, VerifiedFinding, VerifyRequest},
};

/// Sessions per copy.
const LANES: usize = 2;
/// Nothing is on its way between two copies.
const SETTLE: Duration = Duration::from_millis(500);
/// Findings of one table that are looked at for times of the copies' own clocks.
const LOOKED: usize = 10_000;
/// And that are shown.
const SHOWN: usize = 20;

/// What the tables of both copies came to.
#[derive(Debug, Serialize)]
pub struct TablesCompared {
    /// Tables that were compared.
    pub tables: usize,
    /// Rows of the first copy.
    pub rows: i64,
    /// Rows that differ.
    pub findings: usize,
    /// Rows that differ in times of the copies' own clocks alone.
    pub clock: usize,
    /// Tables that could not be compared.
    pub unproven: usize,
    /// Those that differ.
    pub different: Vec<TableDiffers>,
}

/// A table that differs.
#[derive(Debug, Serialize)]
pub struct TableDiffers {
    /// `schema.table`.
    pub table: String,
    /// Rows that differ.
    pub findings: usize,
    /// The first of them.
    pub first: Vec<VerifiedFinding>,
}

impl Switchyard {
    /// Refuses where the copies differ before anything was played: it would be blamed on what is played.
    pub(super) async fn equal_at_first(&self, at: &End, other: &End, tables: &[String]) -> Result<(), ApiError> {
        let verified = self.both(at, other, tables).await?;
        if verified.findings == 0 {
            return Ok(());
        }
        let named: Vec<&str> = verified.tables.iter().filter(|t| t.found > 0).map(|t| t.table.as_str()).collect();
        let why = format!(
            "The copies differ before anything was played: {} rows, in {}.",
            verified.findings,
            named.join(", ")
        );
        let remedy = "Make both from one dump, leave tables out with --table, or this look with --no-first-look.";
        Err(ApiError::new("failed", why, remedy))
    }

    /// What differs when it is over.
    pub(super) async fn tables_after(
        &self,
        at: &End,
        other: &End,
        tables: &[String],
        ran: Ran,
    ) -> Result<TablesCompared, ApiError> {
        let verified = self.both(at, other, tables).await?;
        let mut compared = TablesCompared {
            tables: verified.tables.len(),
            rows: verified.rows,
            findings: 0,
            clock: 0,
            unproven: verified.unproven,
            different: Vec::new(),
        };
        for table in verified.tables.iter().filter(|t| t.found > 0) {
            let mut first = table.findings.first(LOOKED);
            let looked = first.len();
            first.retain(|f| !is_clock(f, ran));
            let clock = looked - first.len();
            compared.clock += clock;
            let findings = table.found - clock;
            compared.findings += findings;
            if findings > 0 {
                first.truncate(SHOWN);
                compared.different.push(TableDiffers { table: table.table.clone(), findings, first });
            }
        }
        Ok(compared)
    }

    async fn both(&self, at: &End, other: &End, tables: &[String]) -> Result<Verified, ApiError> {
        let request = VerifyRequest {
            source: at.again(),
            target: other.again(),
            tables: tables.to_vec(),
            exact: false,
            lanes: LANES,
            settle: SETTLE,
            repair: None,
            resume: None,
        };
        self.verify(request, Arc::new(Pace::default())).await
    }
}

/// Whether a row differs in nothing but times that both copies took from their clocks.
fn is_clock(finding: &VerifiedFinding, ran: Ran) -> bool {
    let of_clock = |c: &ColumnDifference| {
        let is = |v: &Option<String>| v.as_deref().is_some_and(|v| is_of(v, ran));
        is(&c.source) && is(&c.target)
    };
    !finding.columns.is_empty() && finding.columns.iter().all(of_clock)
}
