//! Pools as the window asks for them: what is needed, from both servers' own limits; and what is there now, from the poolers.

use switchyard_engine::{
    conductor::routers_of,
    error::Error,
    facts::{SNAPSHOT, SideFact, Snapshot},
    route::group::Routers,
    store::MigrationId,
};
use switchyard_model::{
    Side, UnixMs,
    migration::MigrationSpec,
    plan::{
        live::Pool,
        pools::{Serving, high, pools},
    },
};

use super::serving;
use crate::{Switchyard, cockpit::freshness::LOOKED_MS, dto::*};

/// A page that is open asks every two seconds; after three misses nobody knows.
const COUNTS_MS: i64 = 8_000;

impl Switchyard {
    /// Connections that a migration needs through its phases, against what both servers have.
    pub(crate) async fn pools(&self, args: PoolsRequest) -> Result<PoolsView, ApiError> {
        if args.pool.is_some_and(|pool| !(1..=100_000).contains(&pool)) {
            let why = "A pool has between 1 and 100 000 connections.";
            return Err(ApiError::new("invalid", why, "Give the number that the application opens in all."));
        }
        let (id, book) = self.named(&args.migration).await?;
        let state = book.state().await;
        let pair = self.pair_for_reading(id, &state).await?;
        let (source_room, target_room) = tokio::try_join!(pair.source.loads.room(), pair.target.loads.room())?;
        let serving = serving(&state);
        let in_use = match serving {
            Serving::Source => source_room.used,
            Serving::Both => source_room.used + target_room.used,
            Serving::Target => target_room.used,
        };
        let pools = pools(args.pool.unwrap_or(in_use).max(1), serving, source_room, target_room);
        Ok(PoolsView { at: self.parts.clock.now(), source_room, target_room, pools })
    }

    /// What the routers' pools do now. It asks the poolers alone; the servers' connections are what whoever drives last saw.
    pub(crate) async fn pools_now(&self, args: ByName) -> Result<PoolsNow, ApiError> {
        let (id, book) = self.named(&args.name).await?;
        let state = book.state().await;
        let routers = self.routers_for_looking(id, &state.spec).await?;
        let asked = routers.pools_all().await;
        if asked.iter().any(|(_, pools)| pools.is_err()) {
            // Its password may have changed: the next look begins anew.
            self.consoles.lock().await.remove(&id);
        }
        let snapshot: Option<(UnixMs, Snapshot)> = self.parts.store.snapshot(id, SNAPSHOT).await?;
        let seen = snapshot.map(|(_, s)| s).unwrap_or_default();
        Ok(PoolsNow {
            at: self.parts.clock.now(),
            counts_ms: COUNTS_MS,
            sides: vec![connections(Side::Source, &seen.source), connections(Side::Target, &seen.target)],
            routers: asked.into_iter().map(|(label, pools)| router(label, pools)).collect(),
        })
    }

    /// Routers with consoles of their own, kept between looks.
    pub(crate) async fn routers_for_looking(&self, id: MigrationId, spec: &MigrationSpec) -> Result<Routers, ApiError> {
        let mut consoles = self.consoles.lock().await;
        if let Some(kept) = consoles.get(&id) {
            return Ok(kept.clone());
        }
        let routers = routers_of(spec, &self.parts.keychain).await.map_err(|not| ApiError::from(not.error))?;
        consoles.insert(id, routers.clone());
        Ok(routers)
    }
}

fn connections(side: Side, fact: &SideFact) -> SideConnections {
    let warning = high(i64::from(fact.connections), i64::from(fact.max_connections), &side.to_string());
    SideConnections {
        side,
        used: fact.connections,
        limit: fact.max_connections,
        at: fact.answered_at,
        counts_ms: LOOKED_MS,
        warning: warning.filter(|_| fact.max_connections > 0),
    }
}

fn router(label: String, asked: Result<Vec<Pool>, Error>) -> RouterPools {
    match asked {
        Ok(pools) => {
            let warnings = pools.iter().flat_map(Pool::warnings).collect();
            RouterPools { label, problem: None, pools, warnings }
        }
        Err(e) => RouterPools { label, problem: Some(ApiError::from(&e)), pools: Vec::new(), warnings: Vec::new() },
    }
}
