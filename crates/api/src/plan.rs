//! The plan before the first step: strategy, timeline and pools, for a migration or for two databases alone.

pub mod export;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use switchyard_engine::{
    clock::{Clock, SystemClock},
    measure::{self, Pair},
};
use switchyard_model::{
    Side, UnixMs,
    check::Check,
    limits::Limits,
    migration::Strategy,
    plan::{
        Measured,
        pools::{Pools, Room, pools},
        strategy::{Advice, Answers, advise},
        timeline::{Changes, Given, Timeline, timeline},
    },
    preflight,
    reconcile::Standing,
    state::{State, replay},
    time::parse_date,
    verdict::Verdict,
};

use crate::{Switchyard, dto::ApiError, verify::End};

/// Sessions per side.
const LANES: usize = 2;

/// What a plan is for.
#[derive(Debug)]
pub enum PlanOf {
    /// Two databases.
    Pair {
        /// The source.
        source: End,
        /// The target.
        target: End,
    },
    /// A migration in the store: its endpoints, its limits, what its switches and comparisons took.
    Migration(String),
}

/// Two sides, measured.
#[derive(Debug, Serialize)]
pub struct Planned<T> {
    /// The source's name.
    pub source: String,
    /// The target's name.
    pub target: String,
    /// What was measured.
    pub measured: Measured,
    /// What was not, and why, in sentences.
    pub notes: Vec<String>,
    /// The plan.
    #[serde(flatten)]
    pub plan: T,
}

/// The strategies, with what has to be mended before any that replicates.
#[derive(Debug, Serialize)]
pub struct StrategyPlan {
    /// Strategies and the advice.
    #[serde(flatten)]
    pub advice: Advice,
    /// Checks of the preflight that do not hold.
    pub conditions: Vec<Condition>,
}

/// A check that does not hold.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Condition {
    /// Its stable name.
    pub check: String,
    /// What is wrong.
    pub why: String,
    /// What mends it.
    pub remedy: String,
}

/// Connections on both sides.
#[derive(Debug, Serialize)]
pub struct PoolsPlan {
    /// The source's.
    pub source_room: Room,
    /// The target's.
    pub target_room: Room,
    /// Through the phases.
    #[serde(flatten)]
    pub pools: Pools,
}

/// A file of changes to a timeline, as an operator writes it.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ChangesFile {
    start: Option<String>,
    #[serde(default)]
    days: std::collections::BTreeMap<String, f64>,
    #[serde(default)]
    done: std::collections::BTreeMap<String, String>,
}

/// What a timeline is asked for.
#[derive(Debug)]
pub struct TimelineRequest {
    /// For what.
    pub of: PlanOf,
    /// The strategy; None is the migration's, or what fits.
    pub strategy: Option<Strategy>,
    /// The team, and what it allows.
    pub answers: Answers,
    /// First day as `2026-11-24`; None is the file's, or today.
    pub start: Option<String>,
    /// Days and ends that were changed, as TOML.
    pub changes: Option<PathBuf>,
    /// Whether a sample of rows is sent over to measure speeds.
    pub copy: bool,
}

/// A pair with what only a migration knows of it.
struct Known {
    source: String,
    target: String,
    pair: Pair,
    limits: Limits,
    /// The migration's.
    strategy: Option<Strategy>,
    checks: Vec<Check>,
}

impl Switchyard {
    /// Weighs the strategies. With `copy` a sample of rows is written to the target, and rolled back.
    ///
    /// # Errors
    /// When a side cannot be reached or read.
    pub async fn plan_strategy(
        &self,
        of: &PlanOf,
        answers: &Answers,
        copy: bool,
    ) -> Result<Planned<StrategyPlan>, ApiError> {
        let known = self.known(of, copy).await?;
        let conditions = known.checks.iter().filter_map(condition).collect();
        let advice = advise(&known.pair.measured, answers);
        Ok(known.planned(StrategyPlan { advice, conditions }))
    }

    /// Places the bars of a timeline.
    ///
    /// # Errors
    /// As [`Switchyard::plan_strategy`], and when the file of changes cannot be read.
    pub async fn plan_timeline(&self, request: &TimelineRequest) -> Result<Planned<Timeline>, ApiError> {
        let now = SystemClock.now();
        let file = request.changes.as_deref().map(changes).transpose()?.unwrap_or_default();
        let invalid = |why: String| ApiError::problems(&[why]);
        let start = match request.start.as_deref().or(file.start.as_deref()) {
            Some(text) => parse_date(text).map_err(invalid)?,
            None => now - now.rem_euclid(switchyard_model::time::DAY_MS),
        };
        let mut done = std::collections::BTreeMap::new();
        for (task, day) in &file.done {
            done.insert(task.clone(), parse_date(day).map_err(invalid)?);
        }
        if let Some((task, days)) = file.days.iter().find(|(_, d)| !d.is_finite() || **d < 0.0 || **d > 3_650.0) {
            return Err(invalid(format!("{task} cannot take {days} days: give a number from 0 to 3650.")));
        }
        let changes = Changes { days: file.days, done };
        let known = self.known(&request.of, request.copy).await?;
        let measured = &known.pair.measured;
        let strategy = request.strategy.or(known.strategy).or_else(|| advise(measured, &request.answers).advised);
        let strategy = strategy.unwrap_or(Strategy::Live);
        let given = Given {
            measured,
            strategy,
            limits: &known.limits,
            team: request.answers.team,
            start,
            changes: &changes,
            now,
        };
        let placed = timeline(given);
        Ok(known.planned(placed))
    }

    /// Counts connections through the phases; `pool` is the application's, None what is in use now.
    ///
    /// # Errors
    /// As [`Switchyard::plan_strategy`].
    pub async fn plan_pools(&self, of: &PlanOf, pool: Option<i64>) -> Result<Planned<PoolsPlan>, ApiError> {
        let known = self.known(of, false).await?;
        let [source_room, target_room] = known.pair.rooms;
        let pools = pools(pool.unwrap_or(source_room.used).max(1), source_room, target_room);
        Ok(known.planned(PoolsPlan { source_room, target_room, pools }))
    }

    async fn known(&self, of: &PlanOf, copy: bool) -> Result<Known, ApiError> {
        let (source, target, state) = match of {
            PlanOf::Pair { source, target } => {
                let (a, b) =
                    tokio::try_join!(self.end(Side::Source, source, LANES), self.end(Side::Target, target, LANES))?;
                (a, b, None)
            }
            PlanOf::Migration(name) => {
                let id = self.parts.store.migration_id(name).await?;
                let state = replay(&self.parts.store.journal(id, 0).await?).map_err(|e| {
                    ApiError::new(
                        "failed",
                        format!("The journal of {name} cannot be read: {e}."),
                        "See switchyardctl journal.",
                    )
                })?;
                let end = |name: &str| End { reference: name.to_owned(), password: None };
                let (here, there) = (end(&state.spec.source), end(&state.spec.target));
                let (a, b) =
                    tokio::try_join!(self.end(Side::Source, &here, LANES), self.end(Side::Target, &there, LANES))?;
                let standings = self.parts.store.standings(id).await?;
                (a, b, Some((state, standings)))
            }
        };
        let now = SystemClock.now();
        let (pair, here, there) = tokio::try_join!(
            measure::measure(&source, &target, copy),
            source.catalog.inventory(now),
            target.catalog.inventory(now)
        )?;
        let mut known = Known {
            source: source.label.clone(),
            target: target.label.clone(),
            pair,
            limits: Limits::normal(),
            strategy: None,
            checks: preflight::judge(&here, &there),
        };
        if let Some((state, standings)) = state {
            known.learn(&state, &standings);
        }
        Ok(known)
    }
}

impl Known {
    /// What the migration has shown already.
    fn learn(&mut self, state: &State, standings: &[Standing]) {
        self.limits = state.spec.limits.clone();
        self.strategy = Some(state.spec.strategy);
        let switches = [&state.last_forward, &state.last_rollback];
        let pause = switches.into_iter().flatten().max_by_key(|(at, _)| *at).map(|(_, watch)| watch.write_pause_ms);
        self.pair.measured.pause_ms = pause;
        let (rows, seconds) =
            standings.iter().fold((0, 0.0), |(rows, seconds), s| (rows + s.rows_source, seconds + s.seconds));
        // Of few rows the time goes elsewhere.
        if rows > 100_000 && seconds > 0.0 {
            self.pair.measured.verify_rows_per_s = Some(rows as f64 / seconds);
        }
    }

    fn planned<T>(self, plan: T) -> Planned<T> {
        let Known { source, target, pair, .. } = self;
        Planned { source, target, measured: pair.measured, notes: pair.notes, plan }
    }
}

fn condition(check: &Check) -> Option<Condition> {
    match &check.verdict {
        Verdict::Fail { why, remedy } => {
            Some(Condition { check: check.id.clone(), why: why.clone(), remedy: remedy.clone() })
        }
        Verdict::Pass { .. } | Verdict::Unknown { .. } => None,
    }
}

fn changes(path: &std::path::Path) -> Result<ChangesFile, ApiError> {
    let text = std::fs::read_to_string(path).map_err(|e| {
        let why = format!("{} cannot be read: {}.", path.display(), crate::io_words(&e));
        ApiError::new("invalid", why, "Name a TOML file with start = \"2026-11-24\", [days] and [done].")
    })?;
    toml::from_str(&text).map_err(|e| {
        let why = format!("{} is no file of changes: {}.", path.display(), e.message());
        ApiError::new(
            "invalid",
            why,
            "Write start = \"2026-11-24\", [days] discovery = 5, [done] discovery = \"2026-12-01\".",
        )
    })
}

/// Now, for whoever renders a plan.
pub fn now() -> UnixMs {
    SystemClock.now()
}
