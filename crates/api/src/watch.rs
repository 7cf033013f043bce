//! `verify --continuous`: after one full pass, only what changed is looked at, round after round.
//!
//! It makes a publication on each side, which it takes back at its end, and a temporary slot, which ends with its session.
//! What it finds is kept in a store of its own that is gone with it.

use serde::Serialize;
use switchyard_engine::{
    clock::{SharedClock, SystemClock},
    db::Database,
    reconcile::{Follow, Kept, Looking, Pace, Pairing, Pass, Readers, Settle, pair},
    store::{MigrationId, Store},
};
use switchyard_model::{
    Side, UnixMs,
    ident::TableName,
    inventory::Inventory,
    limits::Limits,
    migration::{MigrationSpec, Strategy},
    reconcile::{Standing, TableVerdict},
};

use crate::{
    Switchyard,
    dto::ApiError,
    verify::{VerifiedTable, VerifyRequest, matches, nothing_to_compare, standing_table},
};

/// Findings of one table that an answer holds.
const MOST_FINDINGS: i64 = 10_000;

/// Two databases that are compared again and again.
pub struct Watch {
    source: Database,
    target: Database,
    request: VerifyRequest,
    stream: Settle,
    publication: String,
    store: Store,
    id: MigrationId,
    follow: Option<Follow>,
    readers: Option<Readers>,
    clock: SharedClock,
    _folder: tempfile::TempDir,
}

/// What one round came to, as scripts read it.
#[derive(Debug, Serialize)]
pub struct WatchRound {
    /// Up to when every change was verified, ms since 1970.
    pub at: UnixMs,
    /// Whether this was a full pass.
    pub full: bool,
    /// Rows that were looked at; of a full pass, rows on the source.
    pub rows: i64,
    /// Tables that were looked at; in a full pass all.
    pub tables: Vec<VerifiedTable>,
    /// Rows that differ now, over all tables.
    pub findings: i64,
    /// Tables that are not proven now.
    pub unproven: usize,
    /// Wall time, s.
    pub seconds: f64,
}

impl Switchyard {
    /// Connects both sides and makes ready to follow their changes.
    ///
    /// # Errors
    /// When a side cannot be reached, or its changes cannot be followed.
    pub async fn watch(&self, request: VerifyRequest) -> Result<Watch, ApiError> {
        let clock: SharedClock = std::sync::Arc::new(SystemClock);
        let (source, target) = tokio::try_join!(
            self.end(Side::Source, &request.source, request.lanes + 2),
            self.end(Side::Target, &request.target, request.lanes + 2)
        )?;
        let stream = Settle::between(&source, &target, request.settle, clock.clone()).await?;
        let folder = tempfile::tempdir().map_err(|e| {
            let why = format!("No temporary folder can be made: {}.", crate::io_words(&e));
            ApiError::new("failed", why, "Free some space, or set TMPDIR to a folder that can be written.")
        })?;
        let store = Store::open(&folder.path().join("found.db")).await?;
        let spec = MigrationSpec {
            name: "verify".to_owned(),
            strategy: Strategy::Live,
            source: source.label.clone(),
            target: target.label.clone(),
            routers: Vec::new(),
            limits: Limits::normal(),
        };
        let id = store.create_migration(&spec, &self.parts.operator, clock.now()).await?;
        let publication = format!("switchyard_verify_{}", std::process::id());
        let mut watch = Watch {
            source,
            target,
            request,
            stream,
            publication,
            store,
            id,
            follow: None,
            readers: None,
            clock,
            _folder: folder,
        };
        if let Err(e) = watch.begin().await {
            watch.let_go().await;
            return Err(e);
        }
        Ok(watch)
    }
}

impl Watch {
    /// In sentences: how changes are waited for, and what was made on both sides.
    pub fn says(&self) -> Vec<String> {
        let made = format!("Publication {} is on both sides until this ends.", self.publication);
        vec![self.stream.says(), made]
    }

    async fn matched(&self) -> Result<(Pairing, [Inventory; 2]), ApiError> {
        let now = self.clock.now();
        let (source, target) = (&self.source, &self.target);
        let (here, there) = tokio::try_join!(source.catalog.inventory(now), target.catalog.inventory(now))?;
        let patterns = &self.request.tables;
        let wanted = |name: &TableName| patterns.is_empty() || patterns.iter().any(|p| matches(p, &name.plain()));
        let pairing = pair(&here, &there, wanted, |base| source.rows.rendering(base, self.request.exact));
        if pairing.tables.is_empty() && pairing.left_out.is_empty() {
            return Err(nothing_to_compare(&source.label, patterns));
        }
        Ok((pairing, [here, there]))
    }

    async fn begin(&mut self) -> Result<(), ApiError> {
        let (mut pairing, [here, there]) = self.matched().await?;
        let (source, target) = (&self.source, &self.target);
        let names = |side: Side| -> Vec<TableName> {
            let relation = |m: &switchyard_engine::reconcile::Matched| match side {
                Side::Source => m.source.name.clone(),
                Side::Target => m.target.name.clone(),
            };
            pairing.tables.iter().map(relation).collect()
        };
        let (on_source, on_target) = (names(Side::Source), names(Side::Target));
        tokio::try_join!(
            source.feeds.publish(&self.publication, &on_source),
            target.feeds.publish(&self.publication, &on_target)
        )?;
        let mut readers = Readers::open(source, target).await?;
        readers.agree(&mut pairing.tables).await?;
        let follow =
            Follow::begin(source, target, &self.publication, pairing.tables, [&here, &there], &self.clock).await?;
        (self.follow, self.readers) = (Some(follow), Some(readers));
        Ok(())
    }

    async fn kept(&self) -> Result<Kept, ApiError> {
        Ok(Kept::new(self.store.clone(), self.id, Side::Source, self.clock.clone()).await?)
    }

    /// Compares everything, or the tables of which more changed than can be followed.
    ///
    /// # Errors
    /// When a side cannot be read at all.
    pub async fn full_pass(&mut self, only: Option<&[TableName]>, pace: &Pace) -> Result<WatchRound, ApiError> {
        let began = self.clock.instant();
        let (mut pairing, _) = self.matched().await?;
        if let Some(only) = only {
            pairing.tables.retain(|m| only.contains(&m.source.name));
            pairing.left_out.clear();
        }
        if self.follow.as_ref().is_some_and(|f| !f.fits(&pairing.tables)) {
            let why = "A table was altered since its changes are followed.";
            return Err(ApiError::new("failed", why, "Start it again: it then compares the table as it is now."));
        }
        let tables: Vec<TableName> = pairing.tables.iter().map(|m| m.source.name.clone()).collect();
        if let Some(follow) = &mut self.follow {
            follow.begin_whole(&tables);
        }
        let kept = self.kept().await?;
        let at = self.clock.now();
        let pass = Pass {
            source: &self.source,
            target: &self.target,
            authority: Side::Source,
            stream: &self.stream,
            lanes: self.request.lanes,
            pace,
            clock: self.clock.clone(),
        };
        pass.run_into(pairing, &kept).await?;
        let seconds = self.clock.instant().duration_since(began).as_secs_f64();
        let rows = self
            .store
            .standings(self.id)
            .await?
            .iter()
            .filter(|s| tables.contains(&s.table))
            .map(|s| s.rows_source)
            .sum();
        self.answer(at, only.is_none(), rows, &tables, seconds).await
    }

    /// Looks at what changed since the last round, and compares as a whole what cannot be followed.
    ///
    /// # Errors
    /// When a side does not answer, or its changes can no longer be followed: what changed since is not known then.
    pub async fn round(&mut self, pace: &Pace) -> Result<WatchRound, ApiError> {
        let began = self.clock.instant();
        let kept = self.kept().await?;
        let (Some(follow), Some(readers)) = (&mut self.follow, &mut self.readers) else {
            return Err(ApiError::new("failed", "Changes are not followed.", "Start it again."));
        };
        let at = follow.read(&self.clock).await?;
        let whole: Vec<TableName> = follow.whole().iter().cloned().collect();
        let mut standings = self.store.standings(self.id).await?;
        let mut looking = Looking {
            readers,
            authority: Side::Source,
            stream: &self.stream,
            pace,
            clock: &self.clock,
            findings: &kept,
        };
        let changed = follow.changed();
        let (mut rows, mut looked) = (0, Vec::new());
        if !changed.is_empty() && looking.settle().await? {
            for table in changed.into_iter().filter(|t| !whole.contains(t)) {
                let verified = follow.verify(&table, &mut looking).await?;
                rows += verified.rows;
                if let Some(standing) = standings.iter_mut().find(|s| s.table == table) {
                    kept.take(standing, &verified, at).await?;
                }
                looked.push(table);
            }
        }
        if !whole.is_empty() {
            let full = self.full_pass(Some(&whole), pace).await?;
            rows += full.rows;
            looked.extend(whole);
        }
        let seconds = self.clock.instant().duration_since(began).as_secs_f64();
        self.answer(at, false, rows, &looked, seconds).await
    }

    /// What is known now, with the tables that were looked at; after a full pass all of them.
    async fn answer(
        &self,
        at: UnixMs,
        full: bool,
        rows: i64,
        looked: &[TableName],
        seconds: f64,
    ) -> Result<WatchRound, ApiError> {
        let standings = self.store.standings(self.id).await?;
        let proven = |s: &Standing| matches!(s.verdict, TableVerdict::Equal | TableVerdict::Different) && s.hot == 0;
        let mut tables = Vec::new();
        for standing in standings.iter().filter(|s| full || looked.contains(&s.table)) {
            let kept = self.store.findings(self.id, &standing.table, 0, MOST_FINDINGS).await?;
            tables.push(standing_table(standing, kept.into_iter().map(|k| k.finding).collect()));
        }
        Ok(WatchRound {
            at,
            full,
            rows,
            tables,
            findings: standings.iter().map(|s| s.findings).sum(),
            unproven: standings.iter().filter(|s| !proven(s)).count(),
            seconds,
        })
    }

    /// Takes back what was made on both sides.
    pub async fn end(mut self) {
        self.let_go().await;
        self.store.close().await;
    }

    async fn let_go(&mut self) {
        if let Some(follow) = self.follow.take() {
            follow.close().await;
        }
        if let Some(readers) = self.readers.take() {
            readers.close().await;
        }
        for side in [&self.source, &self.target] {
            if let Err(e) = side.feeds.unpublish(&self.publication).await {
                tracing::warn!(error = %e, publication = self.publication, "it was left behind: drop it by hand");
            }
        }
    }
}
