//! `verify --repair`: what mending the findings of a pass would run, or what became of each; without a migration and its
//! journal.

use std::collections::HashSet;

use serde::Serialize;
use switchyard_engine::{
    Result,
    reconcile::repair::{Mender, Previewer, Repair},
};
use switchyard_model::{
    ident::TableName,
    reconcile::{Finding, FindingKind},
    repair::RepairOutcome,
};

/// What shall be done about findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repairing {
    /// Their statements are listed.
    Preview,
    /// Their rows on the target are mended.
    Apply,
}

/// One finding's repair, as scripts read it.
#[derive(Debug, Serialize)]
pub struct VerifiedRepair {
    /// `schema.table`.
    pub table: String,
    /// Column and text; without a key, all columns.
    pub key: serde_json::Map<String, serde_json::Value>,
    /// Missing, extra or different.
    pub kind: FindingKind,
    /// What would be run; none once it was applied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statement: Option<String>,
    /// What became of it; none while it is only previewed.
    #[serde(flatten)]
    pub outcome: Option<RepairOutcome>,
}

/// All repairs of a pass.
#[derive(Debug, Default)]
pub(crate) struct Repairs {
    pub(crate) rows: Vec<VerifiedRepair>,
    /// Why not all of them were come to, one sentence.
    pub(crate) trouble: Option<String>,
}

/// What stands in the way of a repair, asked before the comparison, which may take hours.
///
/// # Errors
/// What is written would travel back, our role may not write, or a side does not answer.
pub(crate) async fn prepare(with: Repair<'_>, tables: &[TableName], repairing: Repairing) -> Result<()> {
    with.nothing_leads_back(&tables.iter().cloned().collect()).await?;
    match repairing {
        Repairing::Preview => Ok(()),
        Repairing::Apply => with.may_write().await,
    }
}

/// Previews or mends the findings of these tables. What breaks on the way is told beside what was done before.
pub(crate) async fn repair(with: Repair<'_>, found: &[(TableName, Vec<Finding>)], repairing: Repairing) -> Repairs {
    let found: Vec<_> = found.iter().filter(|(_, findings)| !findings.is_empty()).collect();
    let tables: HashSet<TableName> = found.iter().map(|(table, _)| table.clone()).collect();
    let mut repairs = Repairs::default();
    if tables.is_empty() {
        return repairs;
    }
    let result = match repairing {
        Repairing::Preview => preview(with, &tables, &found, &mut repairs.rows).await,
        Repairing::Apply => apply(with, &tables, &found, &mut repairs.rows).await,
    };
    if let Err(e) = result {
        let what = match repairing {
            Repairing::Preview => "The rows that are missing here were not looked at.",
            Repairing::Apply => "What was mended stays mended; run it again for the rest.",
        };
        repairs.trouble = Some(format!("{} {what} {}", e.sentence(), e.remedy()));
    }
    repairs
}

async fn preview(
    with: Repair<'_>,
    tables: &HashSet<TableName>,
    found: &[&(TableName, Vec<Finding>)],
    rows: &mut Vec<VerifiedRepair>,
) -> Result<()> {
    let mut previewer = Previewer::open(with, tables).await?;
    for (table, findings) in found {
        let planned = previewer.plan(table, findings).await?;
        rows.extend(findings.iter().zip(planned).map(|(f, p)| {
            let (statement, outcome) = match p.statements {
                Ok(statements) => (Some(statements.join("; ")), None),
                Err(outcome) => (None, Some(outcome)),
            };
            row(table, f, statement, outcome)
        }));
    }
    previewer.close().await;
    Ok(())
}

async fn apply(
    with: Repair<'_>,
    tables: &HashSet<TableName>,
    found: &[&(TableName, Vec<Finding>)],
    rows: &mut Vec<VerifiedRepair>,
) -> Result<()> {
    let mut mender = Mender::open(with, tables).await?;
    for (table, findings) in found {
        let mended = mender.mend_all(table, findings).await?;
        rows.extend(findings.iter().zip(mended).map(|(f, m)| row(table, f, None, Some(m.row.outcome))));
    }
    mender.close().await;
    Ok(())
}

fn row(
    table: &TableName,
    finding: &Finding,
    statement: Option<String>,
    outcome: Option<RepairOutcome>,
) -> VerifiedRepair {
    let key = crate::verify::object(finding.key.clone());
    VerifiedRepair { table: table.plain(), key, kind: finding.kind, statement, outcome }
}
