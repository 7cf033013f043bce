//! PostgreSQL's own logical replication.
//!
//! Owns the publications, slots and subscriptions of one migration, and every statement about them. Rows never pass
//! through here: the servers talk to each other. It must never touch the application's tables, and never drop a slot or
//! a subscription that does not carry its names.
//!
//! Each side publishes the beat table of the direction that leaves it (always open) and all tables in scope, whose
//! `publish` option is the valve. Tried on 15→15, 15→18 and 18→15: the option is judged change by change at the exact
//! position of the `ALTER PUBLICATION`, also within one transaction and within transactions that were open across it; no
//! walsender starts anew; no lock on a table is taken; and while it is empty, tables without a replica identity take
//! updates as if they were not published.

mod conninfo;
mod failure;
mod progress;
mod publish;
mod remove;
mod slot;
mod status;
mod subscribe;

use async_trait::async_trait;
use sqlx::PgPool;
use switchyard_model::{Side, endpoint::Endpoint, ident::TableName, journal::Action};
use tokio::sync::OnceCell;

use super::{CopyProgress, Replicator, StreamStatus};
use crate::{error::Result, secret::Secret};

/// The publication of the beats, on either side.
pub const BEAT_PUBLICATION: &str = "switchyard_beat";

/// The publication of the rows, on either side; its `publish` option is the valve.
pub const ROWS_PUBLICATION: &str = "switchyard_rows";

/// The publication through which reconciliation reads which rows changed, on either side; always open.
pub const WATCH_PUBLICATION: &str = "switchyard_watch";

/// One side, as the replicator sees it. No `Debug`: it leads to the password.
pub struct Party {
    /// The endpoint's name, for messages and previews.
    pub label: String,
    /// The pool for statements on it.
    pub pool: PgPool,
    /// How the other server reaches it.
    pub endpoint: Endpoint,
    /// The password the other server logs in with.
    pub password: Option<Secret>,
}

/// What a migration's two streams need.
pub struct NativeConfig {
    /// The source.
    pub source: Party,
    /// The target.
    pub target: Party,
    /// Slot and subscription of the forward stream.
    pub slot_forward: String,
    /// Slot and subscription of the reverse stream.
    pub slot_reverse: String,
}

/// A side and what was learned of its server.
struct Peer {
    party: Party,
    version: OnceCell<i32>,
}

/// Native logical replication in both directions.
pub struct Native {
    source: Peer,
    target: Peer,
    slot_forward: String,
    slot_reverse: String,
}

impl Native {
    /// From its two sides; asks nothing of them yet. Call [`Native::learn`] before a preview.
    pub fn new(config: NativeConfig) -> Self {
        let peer = |party| Peer { party, version: OnceCell::new() };
        Native {
            source: peer(config.source),
            target: peer(config.target),
            slot_forward: config.slot_forward,
            slot_reverse: config.slot_reverse,
        }
    }

    /// Reads both servers' versions, once. Options that only newer servers know are in a preview only after this;
    /// `subscribe` itself always knows.
    ///
    /// # Errors
    /// When a server does not answer.
    pub async fn learn(&self) -> Result<()> {
        self.version(Side::Source).await?;
        self.version(Side::Target).await?;
        Ok(())
    }

    fn peer(&self, side: Side) -> &Peer {
        match side {
            Side::Source => &self.source,
            Side::Target => &self.target,
        }
    }

    fn party(&self, side: Side) -> &Party {
        &self.peer(side).party
    }

    fn label(&self, side: Side) -> &str {
        &self.party(side).label
    }

    fn pool(&self, side: Side) -> &PgPool {
        &self.party(side).pool
    }

    /// Name of the slot and of the subscription of the stream that leaves `from`. Its walsender bears it as
    /// `application_name`, because the connection string sets none.
    fn stream(&self, from: Side) -> &str {
        match from {
            Side::Source => &self.slot_forward,
            Side::Target => &self.slot_reverse,
        }
    }

    /// `server_version_num`, read once: it does not change under a running migration without everything being looked at
    /// again.
    async fn version(&self, side: Side) -> Result<i32> {
        let peer = self.peer(side);
        let read = || async {
            let sql = "SELECT current_setting('server_version_num')::int4";
            let doing = format!("reading the version of {}", peer.party.label);
            failure::ask(doing, failure::QUICK, sqlx::query_scalar(sql).fetch_one(&peer.party.pool)).await
        };
        peer.version.get_or_try_init(read).await.copied()
    }

    /// The version if it is known already; 0 before.
    fn known_version(&self, side: Side) -> i32 {
        self.peer(side).version.get().copied().unwrap_or(0)
    }
}

#[async_trait]
impl Replicator for Native {
    fn name(&self) -> &'static str {
        "native logical replication"
    }

    fn rows_publication(&self) -> String {
        ROWS_PUBLICATION.to_owned()
    }

    fn watch_publication(&self) -> String {
        WATCH_PUBLICATION.to_owned()
    }

    fn publish_actions(&self, from: Side, tables: &[TableName], open: bool) -> Vec<Action> {
        publish::actions(self, from, tables, open)
    }

    async fn publish(&self, from: Side, tables: &[TableName], open: bool) -> Result<()> {
        publish::publish(self, from, tables, open).await
    }

    async fn is_published(&self, from: Side, tables: &[TableName]) -> Result<bool> {
        publish::is_published(self, from, tables).await
    }

    fn subscribe_actions(&self, from: Side, copy: bool) -> Vec<Action> {
        subscribe::actions(self, from, copy)
    }

    async fn subscribe(&self, from: Side, copy: bool) -> Result<()> {
        subscribe::subscribe(self, from, copy).await
    }

    async fn is_subscribed(&self, from: Side) -> Result<bool> {
        subscribe::is_subscribed(self, from).await
    }

    async fn copy_progress(&self, from: Side) -> Result<CopyProgress> {
        progress::copy_progress(self, from).await
    }

    fn way_back_actions(&self, from: Side, epoch: i64) -> Vec<Action> {
        vec![Action::new(self.label(from), publish::way_back(epoch))]
    }

    async fn open_way_back(&self, from: Side, epoch: i64) -> Result<()> {
        publish::open_way_back(self, from, epoch).await
    }

    async fn status(&self, from: Side) -> Result<StreamStatus> {
        status::status(self, from).await
    }

    async fn unsubscribe(&self, from: Side) -> Result<()> {
        remove::unsubscribe(self, from).await
    }

    async fn remove_actions(&self, from: Side) -> Result<Vec<Action>> {
        remove::actions(self, from).await
    }

    async fn remove(&self, from: Side) -> Result<()> {
        remove::remove(self, from).await
    }
}
