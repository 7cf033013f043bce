//! Findings and standings kept in the store: nothing of a pass stays in memory.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, PoisonError},
};

use async_trait::async_trait;
use switchyard_model::{
    Side, UnixMs,
    ident::TableName,
    reconcile::{Finding, Standing, TableReport},
};

use super::{Checkpoint, Findings, Reports, Verified};
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
    /// Comparisons that began since then are gone on with.
    resumes: UnixMs,
    /// But not those of these tables.
    anew: HashSet<TableName>,
    before: HashMap<TableName, Standing>,
    followed: HashSet<TableName>,
}

impl Kept {
    /// Begins.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn new(store: Store, migration: MigrationId, authority: Side, clock: SharedClock) -> Result<Kept> {
        let before = store.standings(migration).await?.into_iter().map(|s| (s.table.clone(), s)).collect();
        let (resumes, anew, followed) = (clock.now(), HashSet::new(), HashSet::new());
        Ok(Kept { store, migration, authority, clock, began: Mutex::default(), resumes, anew, before, followed })
    }

    /// Goes on with comparisons that began since then and were cut off, in whatever process; a verdict is as old as that.
    pub fn resuming(mut self, since: UnixMs) -> Kept {
        self.resumes = since;
        self
    }

    /// Begins these tables at their beginning: what was compared of them no longer counts.
    pub fn anew(mut self, tables: HashSet<TableName>) -> Kept {
        self.anew = tables;
        self
    }

    /// With the tables whose changed rows can be verified by themselves.
    pub fn with_followed(mut self, followed: HashSet<TableName>) -> Kept {
        self.followed = followed;
        self
    }

    /// Takes what a round came to into a table's findings and its standing; `at` is up to when its changes were told.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn take(&self, standing: &mut Standing, verified: &Verified, at: UnixMs) -> Result<()> {
        let table = standing.table.clone();
        if standing.findings > 0 {
            self.store.drop_findings(self.migration, &table, &verified.equal).await?;
        }
        standing.findings = match (standing.findings, verified.different) {
            (0, 0) => 0,
            (_, _) => self.store.count_findings(self.migration, &table).await?,
        };
        standing.changed += verified.rows;
        standing.note_hot(verified.hot, &verified.hot_rows);
        standing.at = at;
        standing.judge(self.authority);
        self.store.put_standing(self.migration, standing).await
    }

    /// When the comparison of a table began; None where none did.
    fn began(&self, table: &TableName) -> Option<UnixMs> {
        self.began.lock().unwrap_or_else(PoisonError::into_inner).get(table).copied()
    }
}

#[async_trait]
impl Findings for Kept {
    async fn begin(&self, table: &TableName, shape: Option<&str>) -> Result<Option<Checkpoint>> {
        let last: Option<Checkpoint> = self.store.checkpoint(self.migration, table).await?;
        // A session that broke in this very pass is gone on with all the same.
        let mine = |c: &Checkpoint| self.began(table) == Some(c.began);
        let fits = |c: &Checkpoint| {
            let counts = c.began >= self.resumes && !self.anew.contains(table);
            shape == Some(c.shape.as_str()) && (counts || mine(c))
        };
        let last = last.filter(fits);
        match &last {
            Some(last) => self.store.drop_findings_behind(self.migration, table, last.began).await?,
            None => self.store.drop_checkpoint(self.migration, table).await?,
        }
        let began = last.as_ref().map_or_else(|| self.clock.now(), |c| c.began);
        self.began.lock().unwrap_or_else(PoisonError::into_inner).insert(table.clone(), began);
        Ok(last)
    }

    async fn reached(&self, checkpoint: Checkpoint) -> Result<()> {
        self.store.put_checkpoint(self.migration, &checkpoint.table, checkpoint.began, &checkpoint).await
    }

    async fn found(&self, table: &TableName, findings: Vec<Finding>) -> Result<()> {
        self.store.put_findings(self.migration, table, &findings, self.began(table)).await
    }
}

#[async_trait]
impl Reports for Kept {
    async fn compared(&self, report: TableReport) -> Result<()> {
        let began = self.began(&report.table).unwrap_or_else(|| self.clock.now());
        let read = report.not_compared.iter().all(|n| n.column.is_some());
        let before = self.before.get(&report.table);
        let mut standing = Standing::after(&report, self.authority, began, before);
        standing.follows = self.followed.contains(&report.table) || before.is_some_and(|b| b.follows);
        if read {
            self.store.drop_checkpoint(self.migration, &report.table).await?;
            // What this pass did not find again is equal by now.
            self.store.drop_findings_before(self.migration, &report.table, began).await?;
        }
        standing.findings = self.store.count_findings(self.migration, &report.table).await?;
        self.store.put_standing(self.migration, &standing).await
    }
}
