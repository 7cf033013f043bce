//! Putting a drill's failure on and taking it off. Each ends by itself when this process dies, but for a planted row, which is in
//! the drill's own table.

use std::time::Duration;

use switchyard_model::{Side, drill::Failure};
use tokio::task::JoinHandle;

use crate::{
    db::drills::{Fault, Standing},
    error::Result,
    route::severable::Cut,
    saga::Pair,
};

/// For how long our connection to a router is cut.
const OUTAGE: Duration = Duration::from_secs(5);

/// A failure that stands. Dropped, it ends as well: its session hangs up, and a planted row is removed by the next drill.
pub(super) enum Injected {
    /// A session holds it up.
    Held(Box<dyn Standing>),
    /// A row is planted on this side.
    Planted(Side),
    /// Our line to a router is cut for a while.
    Cut(Task),
    /// Nothing is left of it.
    Nothing,
}

impl Injected {
    /// Puts a failure on; `authority` has the writes.
    pub(super) async fn put_on(failure: Failure, pair: &Pair, authority: Side, drill: i64) -> Result<Injected> {
        let target = &pair.target.drills;
        Ok(match failure {
            Failure::TargetDown => Injected::Held(target.put_on(Fault::Down).await?),
            Failure::SlowTarget => Injected::Held(target.put_on(Fault::Slow).await?),
            Failure::TargetErrors => Injected::Held(target.put_on(Fault::Errors).await?),
            Failure::ReplicationStopped => {
                Injected::Held(pair.db(authority.other()).drills.put_on(Fault::StreamStopped).await?)
            }
            Failure::Finding => {
                pair.db(authority.other()).drills.plant(drill).await?;
                Injected::Planted(authority.other())
            }
            Failure::RouterUnreachable => Injected::Cut(Task(tokio::spawn(stay_cut(pair.routers.line.cut())))),
            // Done by whoever looks on: see `killed`.
            Failure::OperatorKilled => Injected::Nothing,
        })
    }

    /// Takes it off; returns once it is gone. Again is fine.
    pub(super) async fn take_off(&mut self, pair: &Pair) -> Result<()> {
        match std::mem::replace(self, Injected::Nothing) {
            // The line is mended when its task is dropped.
            Injected::Cut(task) => drop(task),
            Injected::Held(standing) => standing.end().await?,
            Injected::Planted(side) => pair.db(side).drills.unplant().await?,
            Injected::Nothing => {}
        }
        Ok(())
    }
}

/// A task that ends with whoever holds this.
pub(super) struct Task(JoinHandle<()>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn stay_cut(cut: Cut) {
    tokio::time::sleep(OUTAGE).await;
    drop(cut);
}
