//! A reconciler: looks whether tables were altered since replication began. Reads only; the schema gate judges.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use switchyard_model::{
    drift::{Both, drifted},
    gate::DriftFacts,
};

use super::{Live, reconcilers::is_ending};
use crate::{error::Result, facts::SHAPES, saga::Pair};

/// Longest that one look may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The shapes themselves are read at least so often, whatever the marks say.
const ANYWAY: Duration = Duration::from_secs(60);

/// What the last look saw.
pub(super) struct Seen {
    marks: [String; 2],
    both: Both,
    read: Instant,
}

/// One look.
pub(super) async fn look(live: Arc<Live>) {
    let state = live.book.state().await;
    let replicating = state.milestones.replicating.is_some() && !is_ending(&state);
    let Some(pair) = live.pair().await.filter(|_| replicating) else { return };
    let Some(scope) = state.scope.as_ref() else { return };
    let Ok(Ok(now)) = tokio::time::timeout(PATIENCE, shapes(&live, &pair)).await else {
        // What was seen last stays, with its age.
        return;
    };
    let (store, id, at) = (&live.parts.store, live.book.migration(), live.parts.clock.now());
    let before = match store.snapshot::<Both>(id, SHAPES).await {
        Ok(Some((_, before))) => before,
        // A migration of an earlier version: what is seen now has to do.
        Ok(None) => {
            if let Err(e) = store.put_snapshot(id, SHAPES, at, &now).await {
                tracing::warn!(error = %e, "what the tables look like could not be kept");
                return;
            }
            now.clone()
        }
        Err(e) => {
            tracing::warn!(error = %e, "what the tables looked like could not be read");
            return;
        }
    };
    let altered = drifted(&scope.fence, &before, &now);
    live.snapshot().facts.drift = Some(DriftFacts { at, tables: scope.fence.len(), altered });
}

/// Both sides as they are now; read anew only where the catalogs' marks say that something was altered.
async fn shapes(live: &Live, pair: &Pair) -> Result<Both> {
    let (a, b) = tokio::try_join!(pair.source.catalog.shapes_mark(), pair.target.catalog.shapes_mark())?;
    let (marks, instant) = ([a, b], live.parts.clock.instant());
    let mut seen = live.shapes.lock().await;
    if let Some(last) = seen.as_ref().filter(|s| s.marks == marks && instant.duration_since(s.read) < ANYWAY) {
        return Ok(last.both.clone());
    }
    // The marks are older than what is read: what is altered in between is seen now, and again the next time.
    let both = pair.shapes().await?;
    *seen = Some(Seen { marks, both: both.clone(), read: instant });
    Ok(both)
}
