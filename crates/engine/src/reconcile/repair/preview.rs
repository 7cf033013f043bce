//! What mending would run, from the rows as they are now. Reads only, and waits for no stream.

use std::collections::HashSet;

use switchyard_model::{
    ident::TableName,
    reconcile::{Finding, FindingKind, Key},
    repair::RepairOutcome,
};

use super::{
    Repair,
    decide::{self, Act, Seen, changes},
    session::{Session, places, rows_by_key},
};
use crate::{db::repairs::WholeRows, error::Result};

/// Copies of one row that a preview names by their places.
const PLACES: i64 = 100;

/// What would become of one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// Its key.
    pub key: Vec<(String, String)>,
    /// What is wrong with it.
    pub kind: FindingKind,
    /// The statements, or what becomes of it instead.
    pub statements: std::result::Result<Vec<String>, RepairOutcome>,
}

/// Previews repairs.
pub struct Previewer<'a> {
    session: Session<'a>,
    other: Box<dyn WholeRows>,
}

impl<'a> Previewer<'a> {
    /// Opens its sessions, for these tables.
    ///
    /// # Errors
    /// When a side does not answer.
    pub async fn open(with: Repair<'a>, tables: &HashSet<TableName>) -> Result<Previewer<'a>> {
        let session = Session::open(with, tables).await?;
        let other = session.with.database(session.with.authority.other()).repairs.reader().await?;
        Ok(Previewer { session, other })
    }

    /// What would become of these rows, in their order.
    ///
    /// # Errors
    /// When a side cannot be read.
    pub async fn plan(&mut self, table: &TableName, findings: &[Finding]) -> Result<Vec<Planned>> {
        let mut planned = Vec::with_capacity(findings.len());
        let at_once = self.session.tables.get(table).map_or(200, |m| m.at_once());
        for some in findings.chunks(at_once) {
            planned.extend(self.plan_some(table, some).await?);
        }
        Ok(planned)
    }

    async fn plan_some(&mut self, table: &TableName, findings: &[Finding]) -> Result<Vec<Planned>> {
        let authority = self.session.with.authority;
        let Some(mendable) = self.session.tables.get(table).cloned() else {
            return Ok(findings.iter().map(|f| planned(f, Err(decide::left_alone(decide::NOT_COMPARED)))).collect());
        };
        let relation = mendable.on(authority.other());
        let seen: Vec<_> = findings.iter().map(|f| decide::seen(f, relation, authority)).collect();
        let keys = |which: fn(Act) -> bool| -> Vec<Key> {
            seen.iter().flatten().filter(|s| which(decide::act(relation, s))).map(|s| s.key.clone()).collect()
        };
        let written = keys(|act| matches!(act, Act::Insert | Act::Update | Act::InsertCopies(_)));
        let held = keys(|act| matches!(act, Act::Update | Act::Delete));
        let surplus = keys(|act| matches!(act, Act::DeleteCopies(_)));
        let there = rows_by_key(self.other.as_mut(), relation, &mendable.slices[1], &held, false).await?;
        let at = places(self.other.as_mut(), relation, &mendable.slices[1], &surplus, PLACES).await?;
        let mut here = self.session.authority_rows(&mendable, &written, true).await?;
        let repairs = &self.session.with.database(authority.other()).repairs;
        let mut statements = |seen: std::result::Result<Seen, String>| {
            let seen = seen.map_err(|why| decide::left_alone(&why))?;
            let row = here.remove(&seen.key);
            let changes = changes(relation, &mendable.writable, &seen, row, there.get(&seen.key), &at)?;
            Ok(changes.iter().map(|c| repairs.statement(relation, c)).collect())
        };
        Ok(findings.iter().zip(seen).map(|(f, seen)| planned(f, statements(seen))).collect())
    }

    /// Hands its sessions back.
    pub async fn close(self) {
        self.session.close().await;
        self.other.close().await;
    }
}

fn planned(finding: &Finding, statements: std::result::Result<Vec<String>, RepairOutcome>) -> Planned {
    Planned { key: finding.key.clone(), kind: finding.kind, statements }
}
