//! The Consistency page: where tables stand, their findings, and what an operator wants of the comparison.

use switchyard_engine::{
    conductor::PACING,
    facts::{SNAPSHOT, Snapshot},
};
use switchyard_model::{
    UnixMs,
    reconcile::{Pacing, TableVerdict},
};

use crate::{Switchyard, dto::*};

impl Switchyard {
    /// Where every table stands.
    pub(crate) async fn consistency(&self, args: ByName) -> Result<Consistency, ApiError> {
        let (id, book) = self.named(&args.name).await?;
        let store = &self.parts.store;
        let snapshot: Option<(UnixMs, Snapshot)> = store.snapshot(id, SNAPSHOT).await?;
        let following = snapshot.map(|(_, s)| s.following).unwrap_or_default();
        let pacing: Option<(UnixMs, Pacing)> = store.snapshot(id, PACING).await?;
        let wanted = store.wanted(id).await?;
        let state = book.state().await;
        let mut tables: Vec<TableStanding> = store
            .standings(id)
            .await?
            .into_iter()
            .map(|standing| TableStanding {
                holds_at: standing.holds_at(&following),
                waiting: wanted.contains(&standing.table),
                standing,
            })
            .collect();
        tables.sort_by_key(|t| (rank(t.standing.verdict), t.standing.table.clone()));
        Ok(Consistency {
            tables,
            following,
            pacing: pacing.map(|(_, p)| p).unwrap_or_default(),
            authority: state.authority,
            max_age_s: state.limits().validation_max_age_s,
        })
    }

    /// One page of a table's findings.
    pub(crate) async fn findings(&self, args: FindingsRequest) -> Result<FindingsPage, ApiError> {
        if !(1..=1000).contains(&args.most) {
            return Err(ApiError::new("invalid", "A page has between 1 and 1000 findings.", "Ask for fewer at once."));
        }
        let id = self.parts.store.migration_id(&args.migration).await?;
        let kept = self.parts.store.findings(id, &args.table, args.after.max(0), args.most).await?;
        let total = self.parts.store.count_findings(id, &args.table).await?;
        let findings = kept.into_iter().map(|k| NumberedFinding { id: k.id, finding: k.finding }).collect();
        Ok(FindingsPage { findings, total })
    }

    /// Pauses, resumes or slows the comparison in the background.
    pub(crate) async fn set_pacing(&self, args: SetPacing) -> Result<Nothing, ApiError> {
        if !(1..=100).contains(&args.pacing.duty) {
            let why = format!("The share of time must be between 1 and 100 %, and {} is not.", args.pacing.duty);
            return Err(ApiError::new("invalid", why, "25 is gentle; 100 reads as fast as both servers can."));
        }
        let id = self.parts.store.migration_id(&args.migration).await?;
        self.parts.store.put_snapshot(id, PACING, self.parts.clock.now(), &args.pacing).await?;
        self.changed(&args.migration);
        Ok(Nothing {})
    }

    /// Asks whoever drives to compare tables now.
    pub(crate) async fn compare_now(&self, args: CompareNow) -> Result<Nothing, ApiError> {
        let (id, book) = self.named(&args.migration).await?;
        let state = book.state().await;
        let Some(scope) = state.scope.as_ref() else {
            let why = "Replication has not begun, so there is nothing to compare yet.";
            return Err(ApiError::new("refused", why, "Run “Start replication” first."));
        };
        let known = self.parts.store.standings(id).await?;
        let of_all: Vec<_> = known.iter().map(|s| s.table.clone()).collect();
        for table in &args.tables {
            if !of_all.contains(table) && !scope.fence.contains(table) {
                let why = format!("{} is none of this migration's tables.", table.plain());
                return Err(ApiError::new("not_found", why, "Choose one of the list."));
            }
        }
        let tables = if args.tables.is_empty() { scope.fence.clone() } else { args.tables };
        for table in tables {
            self.parts.store.want_compared(id, &table).await?;
        }
        self.changed(&args.migration);
        Ok(Nothing {})
    }
}

/// What needs a look comes first.
fn rank(verdict: TableVerdict) -> u8 {
    match verdict {
        TableVerdict::Different => 0,
        TableVerdict::Unproven => 1,
        TableVerdict::NotCompared => 2,
        TableVerdict::Equal => 3,
    }
}
