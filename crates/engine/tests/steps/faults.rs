//! What can go wrong while a step acts.

use std::time::Duration;

use switchyard_engine::{
    Error, Result,
    saga::{Cx, Step},
};
use switchyard_model::Side;
use switchyard_rig::faults::Lost;

use super::world::World;

/// One thing that goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Every connection breaks when this piece of the conversation with servers and routers is lost.
    Cut(Lost, u32),
    /// For a moment every statement of ours is cancelled.
    Cancelled,
    /// For a moment every backend of ours is ended.
    Killed,
}

/// Where the conversation is cut: often at its beginning, then rarer, until the step ends before the cut.
const CUTS: [u32; 7] = [0, 1, 2, 4, 9, 25, 100];

/// Everything that is tried on each step.
pub fn all() -> Vec<Fault> {
    let cuts = |lost| CUTS.map(|n| Fault::Cut(lost, n));
    [cuts(Lost::Request).to_vec(), cuts(Lost::Answer).to_vec(), vec![Fault::Cancelled, Fault::Killed]].concat()
}

/// How a step fared.
pub struct Outcome {
    pub result: Result<()>,
    /// Whether anything went wrong at all; false when the step ended before its cut.
    pub struck: bool,
}

/// The few that are tried on each undo.
pub const ON_UNDO: [Fault; 5] = [
    Fault::Cut(Lost::Request, 0),
    Fault::Cut(Lost::Answer, 0),
    Fault::Cut(Lost::Request, 3),
    Fault::Cut(Lost::Answer, 3),
    Fault::Killed,
];

/// Lets something be done while this goes wrong.
pub async fn strike(world: &World, fault: Fault, act: impl Future<Output = Result<()>>) -> Outcome {
    match fault {
        Fault::Cut(lost, before) => {
            world.fuse.arm(lost, before);
            let result = act.await;
            Outcome { result, struck: world.fuse.disarm() }
        }
        Fault::Cancelled => under_fire(world, act, "pg_cancel_backend").await,
        Fault::Killed => under_fire(world, act, "pg_terminate_backend").await,
    }
}

/// Acts within the step's deadline, as the driver lets it.
pub async fn apply(cx: &Cx, step: &dyn Step) -> Result<()> {
    let limit = step.deadline(cx).min(Duration::from_secs(60));
    match tokio::time::timeout(limit, step.apply(cx)).await {
        Ok(result) => result.map(drop),
        Err(_) => {
            Err(Error::new(switchyard_engine::Kind::Deadline, step.title(cx), "it took longer than its deadline"))
        }
    }
}

async fn under_fire(world: &World, act: impl Future<Output = Result<()>>, weapon: &str) -> Outcome {
    let fire = tokio::spawn(fire(
        [world.server(Side::Source).admin_url("postgres"), world.server(Side::Target).admin_url("postgres")],
        weapon.to_owned(),
    ));
    let result = act.await;
    fire.await.unwrap();
    Outcome { result, struck: true }
}

/// Our client backends, tools' included; walsenders and workers are the servers' own.
async fn fire(urls: [String; 2], weapon: String) {
    let sql = format!(
        "SELECT count({weapon}(pid)) FROM pg_stat_activity WHERE usename = 'switchyard' AND backend_type = 'client backend' \
         AND state <> 'idle'"
    );
    let began = std::time::Instant::now();
    let mut guns = Vec::new();
    for url in urls {
        guns.push(<sqlx::PgConnection as sqlx::Connection>::connect(&url).await.unwrap());
    }
    while began.elapsed() < Duration::from_millis(250) {
        for gun in &mut guns {
            sqlx::query(sqlx::AssertSqlSafe(sql.clone())).execute(gun).await.unwrap();
        }
    }
}
