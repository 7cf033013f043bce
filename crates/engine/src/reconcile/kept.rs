//! Findings and standings kept in the store: nothing of a pass stays in memory.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use async_trait::async_trait;
use switchyard_model::{
    Side, UnixMs,
    ident::TableName,
    reconcile::{Finding, Standing, TableReport},
};

use super::{Findings, Reports};
use crate::{
    clock::SharedClock,
    error::Result,
    store::{MigrationId, Store},
};

/// Keeps what passes over one migration find.
pub struct Kept {
    store: Store,
    migration: MigrationId,
    authority: Side,
    clock: SharedClock,
    /// When the comparison of each table began.
    began: Mutex<HashMap<TableName, UnixMs>>,
    before: HashMap<TableName, Standing>,
}

impl Kept {
    /// Begins.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn new(store: Store, migration: MigrationId, authority: Side, clock: SharedClock) -> Result<Kept> {
        let before = store.standings(migration).await?.into_iter().map(|s| (s.table.clone(), s)).collect();
        Ok(Kept { store, migration, authority, clock, began: Mutex::default(), before })
    }

    fn began(&self, table: &TableName) -> UnixMs {
        let began = self.began.lock().unwrap_or_else(PoisonError::into_inner).get(table).copied();
        began.unwrap_or_else(|| self.clock.now())
    }
}

#[async_trait]
impl Findings for Kept {
    async fn begin(&self, table: &TableName) -> Result<()> {
        let now = self.clock.now();
        self.began.lock().unwrap_or_else(PoisonError::into_inner).insert(table.clone(), now);
        Ok(())
    }

    async fn found(&self, table: &TableName, findings: Vec<Finding>) -> Result<()> {
        self.store.put_findings(self.migration, table, &findings).await
    }
}

#[async_trait]
impl Reports for Kept {
    async fn compared(&self, report: TableReport) -> Result<()> {
        let began = self.began(&report.table);
        let read = report.not_compared.iter().all(|n| n.column.is_some());
        let mut standing = Standing::after(&report, self.authority, began, self.before.get(&report.table));
        if read {
            // What this pass did not find again is equal by now.
            self.store.drop_findings_before(self.migration, &report.table, began).await?;
        }
        standing.findings = self.store.count_findings(self.migration, &report.table).await?;
        self.store.put_standing(self.migration, &standing).await
    }
}
