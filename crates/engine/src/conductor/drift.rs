//! A reconciler: looks whether tables were altered since replication began. Reads only; the schema gate judges.

use std::{sync::Arc, time::Duration};

use switchyard_model::{
    drift::{Both, drifted},
    gate::DriftFacts,
};

use super::{Live, reconcilers::is_ending};
use crate::facts::SHAPES;

/// Longest that one look may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// One look.
pub(super) async fn look(live: Arc<Live>) {
    let state = live.book.state().await;
    let replicating = state.milestones.replicating.is_some() && !is_ending(&state);
    let Some(pair) = live.pair().await.filter(|_| replicating) else { return };
    let Some(scope) = state.scope.as_ref() else { return };
    let Ok(Ok(now)) = tokio::time::timeout(PATIENCE, pair.shapes()).await else {
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
