//! Generated load against a database that is no authority.
//!
//! Owns whom load may hit. The generator itself is `switchyard-load`.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use serde::Serialize;
use switchyard_capture::mix::About;
use switchyard_engine::db::connect::{Login, UnderLoad};
use switchyard_load::{Bounds, Figures, Hold, Mix, Ramp, Stopped, climb, hold, script::Variables};
use switchyard_model::{Side, endpoint::Endpoint};

use crate::{Switchyard, dto::ApiError, verify::End};

/// More sessions than this no single program should open.
const MOST_SESSIONS: usize = 1_000;
/// Longer than a month nobody waits.
const LONGEST: Duration = Duration::from_secs(31 * 24 * 3600);

/// Transactions that run at once where nothing else is said.
pub const SESSIONS: usize = 10;
/// Transactions that may wait for a session, as seconds of the rate.
const BACKLOG_S: f64 = 5.0;

/// When load ends by itself: at a P99 of a second, and at a share of failures in percent.
///
/// # Errors
/// A sentence, for what is no limit.
pub fn bounds(max_p99_ms: Option<f64>, max_failed: f64) -> Result<Bounds, String> {
    let share = max_failed / 100.0;
    if !(0.0..=1.0).contains(&share) {
        return Err(format!("{max_failed} is no percentage that may fail: give 0 to 100."));
    }
    if let Some(ms) = max_p99_ms.filter(|ms| !(ms.is_finite() && *ms > 0.0)) {
        return Err(format!("{ms} ms is no time for a P99: give milliseconds above 0."));
    }
    Ok(Bounds { p99_ms: max_p99_ms, failed: Some(share), backlog_s: BACKLOG_S })
}

/// Asks for load.
#[derive(Debug)]
pub struct LoadRequest {
    /// The database.
    pub at: End,
    /// What is run.
    pub mix: Mix,
    /// What it was drawn from, where that is a capture.
    pub capture: Option<About>,
    /// How much of it.
    pub how: How,
    /// At most so many transactions at once, 1–1000.
    pub sessions: usize,
    /// What scripts find as their variables.
    pub variables: Variables,
    /// Seed of what is drawn.
    pub seed: u64,
    /// When it ends by itself.
    pub bounds: Bounds,
}

/// How much load.
#[derive(Debug, Clone, Copy)]
pub enum How {
    /// One rate.
    Hold {
        /// Transactions per second.
        per_second: f64,
        /// For how long.
        time: Duration,
    },
    /// From rate to rate until one is not served.
    Climb(Ramp),
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Loaded {
    /// The database, without a password.
    pub at: String,
    /// Whether every write was refused, since it is a side of a migration.
    pub read_only: bool,
    /// One per rate.
    pub rates: Vec<Figures>,
    /// The highest rate that was served, transactions per second; of a climb.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub knee_per_second: Option<f64>,
    /// What the load was drawn from, where that is a capture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capture: Option<About>,
    /// Why it ended where it did; None where a rate was held to its end.
    pub why: Option<String>,
}

impl Loaded {
    /// Whether everything that was asked for was served.
    pub fn is_served(&self) -> bool {
        self.why.is_none()
    }
}

impl Switchyard {
    /// Runs load to its end, or until it is stopped.
    ///
    /// # Errors
    /// `refused` where the database has a migration's writes; when it cannot be reached.
    pub async fn load(&self, request: LoadRequest, stopped: Stopped) -> Result<Loaded, ApiError> {
        check(&request)?;
        let (endpoint, secret) = self.resolve("The database", &request.at).await?;
        let login = Login { endpoint: &endpoint, password: secret.as_ref() };
        let read_only = self.may_be_loaded(&endpoint, &UnderLoad::at(login, true)?, "load").await?;
        let target = Arc::new(UnderLoad::at(login, read_only)?);
        let at = format!("{}:{}, {}", endpoint.host, endpoint.port, endpoint.database);
        let (mix, capture) = (Arc::new(request.mix), request.capture);
        let template = |per_second, time| Hold {
            per_second,
            time,
            sessions: request.sessions,
            variables: request.variables.clone(),
            seed: request.seed,
        };
        let failed = |why| ApiError::new("failed", why, "See that the database answers and has connections left.");
        Ok(match request.how {
            How::Hold { per_second, time } => {
                let figures =
                    hold(target, mix, template(per_second, time), request.bounds, stopped).await.map_err(failed)?;
                let why = figures.stopped.clone();
                Loaded { at, read_only, rates: vec![figures], knee_per_second: None, capture, why }
            }
            How::Climb(ramp) => {
                let climbed = climb(target, mix, template(ramp.from, ramp.each), ramp, request.bounds, stopped);
                let knee = climbed.await.map_err(failed)?;
                let whole =
                    knee.rates.len() == ramp.rates().len() && knee.knee_per_second == ramp.rates().last().copied();
                Loaded {
                    at,
                    read_only,
                    rates: knee.rates,
                    knee_per_second: knee.knee_per_second,
                    capture,
                    why: (!whole).then_some(knee.why),
                }
            }
        })
    }

    /// Whether it is a side of a migration, and may be loaded only by reads; an error where not at all. `what` would hit it.
    pub(crate) async fn may_be_loaded(
        &self,
        endpoint: &Endpoint,
        reached: &UnderLoad,
        what: &str,
    ) -> Result<bool, ApiError> {
        let here = addresses(endpoint).await;
        let mut is_known = false;
        for (id, name, _) in self.parts.store.migrations().await? {
            let state = self.book(id).await?.state().await;
            for side in [Side::Source, Side::Target] {
                let of = match side {
                    Side::Source => &state.spec.source,
                    Side::Target => &state.spec.target,
                };
                // An endpoint that was deleted since leads nowhere.
                let Ok(other) = self.parts.store.endpoint(of).await else { continue };
                if !same(endpoint, &here, &other, &addresses(&other).await) {
                    continue;
                }
                if side == state.authority {
                    let why = format!("“{of}” has the writes of “{name}”: {what} would hit the application itself.");
                    return Err(ApiError::new("refused", why, "Take a copy of it, a database of its own."));
                }
                // Its rows come from the other side, or will; after Cleanup nothing of it is needed any more.
                is_known |= state.milestones.cleaned.is_none();
            }
        }
        if reached.is_a_side().await? && !is_known {
            let why = "This database is a side of a migration that is not in this store, and may have its writes.";
            return Err(ApiError::new(
                "refused",
                why,
                "Give the migration's store with --store, or take a copy; one from a dump needs pg_dump --exclude-schema=switchyard.",
            ));
        }
        Ok(is_known)
    }
}

pub(crate) async fn addresses(of: &Endpoint) -> Vec<SocketAddr> {
    // A name that is not known is compared as a name.
    tokio::net::lookup_host((of.host.as_str(), of.port)).await.map(Iterator::collect).unwrap_or_default()
}

pub(crate) fn same(a: &Endpoint, a_at: &[SocketAddr], b: &Endpoint, b_at: &[SocketAddr]) -> bool {
    let one_name = a.host == b.host && a.port == b.port;
    a.database == b.database && (one_name || a_at.iter().any(|at| b_at.contains(at)))
}

fn check(request: &LoadRequest) -> Result<(), ApiError> {
    let mut problems = Vec::new();
    let rate = |what: &str, rate: f64, problems: &mut Vec<String>| {
        if !(rate.is_finite() && rate > 0.0 && rate <= 1e6) {
            problems
                .push(format!("{what} of {rate} transactions per second is none: give one from above 0 to a million."));
        }
    };
    let time = match request.how {
        How::Hold { per_second, time } => {
            rate("A rate", per_second, &mut problems);
            time
        }
        How::Climb(ramp) => {
            rate("A first rate", ramp.from, &mut problems);
            rate("A last rate", ramp.to, &mut problems);
            if ramp.to < ramp.from {
                problems.push("The last rate is below the first: give them the other way round.".to_owned());
            }
            if !(1..=100).contains(&ramp.steps) {
                problems.push(format!("{} steps cannot be climbed: give 1 to 100.", ramp.steps));
            }
            ramp.each
        }
    };
    if time.is_zero() || time > LONGEST {
        problems.push("The time has to be above 0 and at most 31 days.".to_owned());
    }
    if !(1..=MOST_SESSIONS).contains(&request.sessions) {
        problems.push(format!("{} sessions cannot be opened: give 1 to {MOST_SESSIONS}.", request.sessions));
    }
    if problems.is_empty() { Ok(()) } else { Err(ApiError::problems(&problems)) }
}
