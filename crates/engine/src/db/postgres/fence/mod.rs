//! The fence: what makes this side refuse writes.
//!
//! Every table has a statement trigger `switchyard_fence` that raises an error; while it is disabled it costs writers
//! nothing. Raising locks all tables, enables all triggers and closes the stream's valve in one transaction of a
//! connection of its own, so that until the commit the server itself takes everything back when that connection dies.
//!
//! The sentence that writers get lives in the function's body and not in a table: catalog state reaches every
//! transaction that takes a new lock, whatever its snapshot, while a row written later is invisible to a transaction
//! that is older. Statement triggers fire for the relation that a statement names, so roots and partitions each have
//! one. They fire for origin sessions only: the replication worker can still write here.
//!
//! | file | what it owns |
//! |---|---|
//! | `sql` | the exact statements, as previewed and as run |
//! | `install` | making schema, beats and disabled triggers |
//! | `line` | the connection that holds it |
//! | `raise` | the open transaction |
//! | `state` | is it installed, is it raised; lowering it |
//! | `remove` | dropping everything of ours |
//! | `others` | who would block it, who is connected |

mod install;
mod line;
mod others;
mod patience;
mod raise;
mod remove;
mod sql;
mod state;

use async_trait::async_trait;
use switchyard_model::{hold::Standing, ident::TableName, journal::Action};

use super::PgDatabase;
use crate::{
    Result,
    db::{Bidding, Blocker, Fence, FenceOrder, RaisedFence, Session},
};

pub(super) use line::Line;
pub use sql::{SCHEMA, TRIGGER};
pub(crate) use sql::{SURPASSED, unless_surpassed};

impl PgDatabase {
    fn actions(&self, statements: impl IntoIterator<Item = String>) -> Vec<Action> {
        statements.into_iter().map(|s| Action::new(self.label(), s)).collect()
    }
}

#[async_trait]
impl Fence for PgDatabase {
    fn install_actions(&self, tables: &[TableName]) -> Vec<Action> {
        let base = sql::base().into_iter().chain([sql::first_function()]);
        self.actions(base.chain(sql::ordered(tables).into_iter().map(sql::add_trigger)))
    }

    async fn install(&self, tables: &[TableName]) -> Result<()> {
        install::install(self, tables).await
    }

    async fn is_installed(&self, tables: &[TableName]) -> Result<bool> {
        install::is_installed(self, tables).await
    }

    async fn uncovered(&self) -> Result<Vec<TableName>> {
        install::uncovered(self).await
    }

    async fn arm(&self) -> Result<()> {
        line::arm(self).await
    }

    fn raise_actions(&self, order: &FenceOrder) -> Vec<Action> {
        self.actions(
            sql::lock(order, order.lock_timeout_ms)
                .into_iter()
                // Without the COMMIT: that is a step of its own, after the point of no return.
                .chain(sql::refuse(order, true)),
        )
    }

    async fn raise(&self, order: &FenceOrder) -> Result<Box<dyn RaisedFence>> {
        Ok(Box::new(raise::raise(self, order).await?))
    }

    async fn standing(&self, tables: &[TableName]) -> Result<Standing> {
        state::standing(self, tables).await
    }

    async fn heeds(&self, bidding: Bidding) -> Result<()> {
        state::heeds(self, bidding).await
    }

    fn lower_actions(&self, tables: &[TableName], bidding: Bidding) -> Vec<Action> {
        self.actions([sql::lower(tables, bidding)])
    }

    async fn lower(&self, tables: &[TableName], bidding: Bidding) -> Result<()> {
        state::lower(self, tables, bidding).await
    }

    async fn remove_actions(&self) -> Result<Vec<Action>> {
        Ok(self.actions(remove::statements(self).await?))
    }

    async fn remove(&self) -> Result<()> {
        remove::remove(self).await
    }

    async fn blockers(&self, tables: &[TableName], min_age_ms: i64) -> Result<Vec<Blocker>> {
        others::blockers(self, tables, min_age_ms).await
    }

    async fn sessions(&self) -> Result<Vec<Session>> {
        others::sessions(self).await
    }
}
