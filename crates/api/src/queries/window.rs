//! Of which time statements are compared: readings, and the one that is kept.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use switchyard_engine::{db::statements::Reading, store::MigrationId};
use switchyard_model::UnixMs;
use switchyard_queries::damage::{Counted, added};

use super::Sides;
use crate::{Switchyard, dto::*};

/// Name of the kept reading in the store.
const KEPT: &str = "statements";

/// How long is waited where a reading was kept just now.
const FIRST: Duration = Duration::from_secs(3);

/// Both sides' counters at one time. Without the statements' texts, in which there may be a password.
#[derive(Serialize, Deserialize)]
pub(super) struct Kept {
    pub(super) at: UnixMs,
    own: bool,
    pub(super) source: Vec<Counted>,
    pub(super) target: Vec<Counted>,
}

impl Kept {
    fn of(at: UnixMs, own: bool, source: &Reading, target: &Reading) -> Kept {
        let bare = |all: &[Counted]| all.iter().map(|c| Counted { text: String::new(), ..c.clone() }).collect();
        Kept { at, own, source: bare(&source.statements), target: bare(&target.statements) }
    }
}

/// What was counted in a window.
pub(super) struct Seen {
    /// Its begin; None when each server has counted since its own.
    pub(super) from: Option<UnixMs>,
    pub(super) source: Vec<Counted>,
    pub(super) target: Vec<Counted>,
    pub(super) refused: Vec<String>,
    pub(super) notes: Vec<String>,
}

impl Switchyard {
    pub(super) async fn seen(
        &self,
        id: MigrationId,
        pair: &Sides,
        window: QueryWindow,
        own: bool,
    ) -> Result<Seen, ApiError> {
        let before = match window {
            QueryWindow::Start => None,
            QueryWindow::Kept => match self.kept(id).await?.filter(|k| k.own == own) {
                Some(kept) => Some(kept),
                None => Some(self.keep(id, pair, own, FIRST).await?),
            },
            QueryWindow::Watch { seconds } => {
                Some(self.keep(id, pair, own, Duration::from_secs(u64::from(seconds))).await?)
            }
        };
        let (source, target) = read(pair, own).await?;
        let mut notes: Vec<String> = source.notes.iter().chain(&target.notes).cloned().collect();
        notes.push("pg_stat_statements knows means and extremes; percentiles come from probes.".to_owned());
        let since = |before: Option<&Vec<Counted>>, now: Vec<Counted>| match before {
            Some(before) => added(before, &now),
            None => now,
        };
        Ok(Seen {
            from: before.as_ref().map(|k| k.at),
            source: since(before.as_ref().map(|k| &k.source), source.statements),
            target: since(before.as_ref().map(|k| &k.target), target.statements),
            refused: source.refused.iter().chain(&target.refused).map(ToString::to_string).collect(),
            notes,
        })
    }

    /// The kept reading.
    pub(super) async fn kept(&self, id: MigrationId) -> Result<Option<Kept>, ApiError> {
        let kept: Option<(UnixMs, Kept)> = self.parts.store.snapshot(id, KEPT).await?;
        Ok(kept.map(|(_, kept)| kept))
    }

    /// Reads, keeps it, and waits.
    async fn keep(&self, id: MigrationId, pair: &Sides, own: bool, wait: Duration) -> Result<Kept, ApiError> {
        let (source, target) = read(pair, own).await?;
        let at = self.parts.clock.now();
        let kept = Kept::of(at, own, &source, &target);
        self.parts.store.put_snapshot(id, KEPT, at, &kept).await?;
        tokio::time::sleep(wait).await;
        Ok(kept)
    }
}

async fn read(pair: &Sides, own: bool) -> Result<(Reading, Reading), ApiError> {
    Ok(tokio::try_join!(pair.source.statements.reading(own), pair.target.statements.reading(own))?)
}
