//! Fence: the loser refuses writes, in one open transaction that dies with our connection.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use switchyard_model::journal::Action;

use super::Direction;
use crate::{
    db::{FenceOrder, Refusal},
    error::Result,
    saga::{Cx, Observed, Step},
    store::Durability,
};

pub(super) struct Fence(pub(super) Direction);

impl Fence {
    async fn order(&self, cx: &Cx) -> Result<FenceOrder> {
        let limits = cx.state.limits();
        Ok(FenceOrder {
            tables: cx.scope().await?.fence,
            refusal: Refusal::Moved {
                to: cx.pair.db(self.0.winner).label.clone(),
                epoch: cx.new_epoch(),
                rows_publication: cx.pair.replicator.rows_publication(),
            },
            lock_timeout_ms: limits.lock_timeout_ms,
            idle_timeout_ms: limits.hold_deadline_ms,
        })
    }
}

#[async_trait]
impl Step for Fence {
    fn name(&self) -> &'static str {
        "fence"
    }

    fn title(&self, cx: &Cx) -> String {
        format!("Fence {}: it refuses writes", cx.pair.db(self.0.loser()).label)
    }

    fn deadline(&self, cx: &Cx) -> Duration {
        // The lock timeout counts per table on the server, so the whole gets twice as long before we give up ourselves.
        Duration::from_millis(u64::from(cx.state.limits().lock_timeout_ms) * 2 + 1_000)
    }

    async fn actions(&self, cx: &Cx) -> Result<Vec<Action>> {
        let order = self.order(cx).await?;
        Ok(cx.pair.db(self.0.loser()).fence.raise_actions(&order))
    }

    async fn observe(&self, cx: &Cx) -> Result<Observed> {
        // Ours and open, or committed.
        if let Some(raised) = cx.session.lock().await.raised.as_mut()
            && raised.still_stands().await.is_ok()
        {
            return Ok(Observed::Done);
        }
        let tables = cx.scope().await?.fence;
        let moved = cx.pair.db(self.0.loser()).fence.has_moved(&tables).await?;
        Ok(if moved { Observed::Done } else { Observed::NotDone })
    }

    async fn apply(&self, cx: &Cx) -> Result<Value> {
        let order = self.order(cx).await?;
        let mut session = cx.session.lock().await;
        // A second fence would wait for the locks of the first.
        if let Some(mut standing) = session.raised.take()
            && standing.still_stands().await.is_ok()
        {
            session.raised = Some(standing);
        }
        if session.raised.is_none() {
            session.raised = Some(cx.pair.db(self.0.loser()).fence.raise(&order).await?);
        }
        Ok(json!({ "tables": order.tables.len() }))
    }

    async fn undo(&self, cx: &Cx) -> Result<()> {
        // Without a session there is no transaction of ours: the server took it back when our connection died.
        match cx.session.lock().await.raised.take() {
            Some(raised) => raised.roll_back().await,
            None => Ok(()),
        }
    }

    fn durability(&self) -> Durability {
        Durability::Process
    }

    fn is_inside_the_pause(&self) -> bool {
        true
    }
}
