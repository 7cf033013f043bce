//! The source refuses writes by agreement: its fence is raised and committed, and its stream stays open. Beats go on, for
//! their tables are behind no fence.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use switchyard_model::{
    hold::{REFUSE_WRITES, Standing},
    ident::TableName,
    journal::{Action, Scope},
};

use crate::{
    db::{Bidding, FenceOrder, Refusal, connect::APPLICATION},
    error::{Error, Kind, Result},
    saga::{Cx, Observed, Step, failpoint},
};

pub(super) struct RefuseWrites;

impl RefuseWrites {
    /// As they were fixed; in the preview of the first hold, as the catalog gives them now.
    async fn tables(&self, cx: &Cx) -> Result<Vec<TableName>> {
        match cx.book.state().await.scope {
            Some(scope) => Ok(scope.fence),
            None => Ok(Scope::of(&cx.pair.source.catalog.inventory(cx.clock.now()).await?).fence),
        }
    }

    /// Waits until no transaction of ours is open on the tables: a commit that was given up may still be on its way, and what is
    /// seen before it is decided proves nothing. The server ends one that says nothing.
    async fn is_decided(&self, cx: &Cx, tables: &[TableName]) -> Result<()> {
        while cx.pair.source.fence.blockers(tables, 0).await?.iter().any(|b| b.application == APPLICATION) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    async fn order(&self, cx: &Cx) -> Result<FenceOrder> {
        let limits = cx.state.limits();
        Ok(FenceOrder {
            tables: self.tables(cx).await?,
            refusal: Refusal::Held { to: cx.pair.target.label.clone() },
            lock_timeout_ms: limits.lock_timeout_ms,
            idle_timeout_ms: limits.hold_deadline_ms,
        })
    }
}

#[async_trait]
impl Step for RefuseWrites {
    fn name(&self) -> &'static str {
        REFUSE_WRITES
    }

    fn title(&self, cx: &Cx) -> String {
        format!("{} refuses writes and goes on answering reads", cx.pair.source.label)
    }

    fn deadline(&self, cx: &Cx) -> Duration {
        // As for the fence of a switch.
        Duration::from_millis(u64::from(cx.state.limits().lock_timeout_ms) * 2 + 1_000)
    }

    async fn actions(&self, cx: &Cx) -> Result<Vec<Action>> {
        let source = &cx.pair.source;
        let mut actions = source.fence.raise_actions(&self.order(cx).await?);
        actions.push(Action::new(&source.label, "COMMIT"));
        Ok(actions)
    }

    async fn observe(&self, cx: &Cx) -> Result<Observed> {
        let tables = self.tables(cx).await?;
        Ok(match cx.pair.source.fence.standing(&tables).await? {
            Standing::Held => Observed::Done,
            Standing::Down => Observed::NotDone,
            Standing::Moved => {
                let why = "it refuses writes as if they had moved to the target";
                return Err(Error::new(Kind::Contradiction, self.title(cx), why));
            }
        })
    }

    async fn apply(&self, cx: &Cx) -> Result<Value> {
        if self.observe(cx).await? == Observed::Done {
            return Ok(json!({ "found": "refusing already" }));
        }
        let order = self.order(cx).await?;
        let raised = cx.pair.source.fence.raise(&order).await?;
        // Whoever slept before this, while another took over and gave the hold up, must not refuse writes behind its back. Asleep
        // from here on, the server takes the transaction back before the lease can lapse.
        if let Err(lost) = cx.book.is_ours().await {
            raised.roll_back().await?;
            return Err(lost);
        }
        failpoint::hit("within", self.name());
        match raised.commit().await {
            Ok(()) => Ok(json!({ "tables": order.tables.len() })),
            // The answer may have been lost after the commit: ask the server before believing in a failure.
            Err(error) => match self.observe(cx).await {
                Ok(Observed::Done) => Ok(json!({ "answer": "lost, found done" })),
                Ok(Observed::NotDone) | Err(_) => Err(error),
            },
        }
    }

    async fn undo(&self, cx: &Cx) -> Result<()> {
        let tables = self.tables(cx).await?;
        self.is_decided(cx, &tables).await?;
        // Lowering what never stood would wait for the locks that kept it from being raised.
        match cx.pair.source.fence.standing(&tables).await {
            Ok(Standing::Down) => Ok(()),
            Ok(Standing::Held | Standing::Moved) => cx.pair.source.fence.lower(&tables, Bidding::Release).await,
            Err(e) if e.kind == Kind::Contradiction => cx.pair.source.fence.lower(&tables, Bidding::Release).await,
            Err(e) => Err(e),
        }
    }

    fn is_inside_the_pause(&self) -> bool {
        true
    }
}
