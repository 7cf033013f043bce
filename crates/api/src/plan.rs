//! The plan before the first step: strategy, timeline and pools, for a migration or for two databases alone.

pub mod export;
mod pools;
mod timeline;

use std::{collections::BTreeMap, path::PathBuf};

use serde::Serialize;
use switchyard_engine::{
    clock::{Clock, SystemClock},
    measure::{self, Pair},
};
use switchyard_model::{
    Side, UnixMs,
    check::Check,
    journal::Recorded,
    limits::Limits,
    migration::Strategy,
    plan::{
        Measured,
        pools::{Pools, Room, Serving, pools},
        reached::reached,
        strategy::{Advice, Answers, advise},
        timeline::{Given, Timeline, timeline},
    },
    preflight,
    reconcile::Standing,
    state::{State, replay},
    time::parse_date,
    verdict::Verdict,
};

use self::timeline::Edited;
pub use self::timeline::{ExportTimeline, Format, file_name};
use crate::{
    Switchyard,
    dto::{ApiError, TimelineEdits},
    verify::End,
};

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

/// What a timeline is asked for.
#[derive(Debug)]
pub struct TimelineQuestion {
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
    /// Where the application's pool is now.
    serving: Serving,
    /// When the migration was created.
    created: Option<UnixMs>,
    /// What of the timeline is done, by the journal.
    reached: BTreeMap<String, UnixMs>,
    /// What was changed in the timeline, in the window.
    edits: Option<TimelineEdits>,
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
        // What is milder stands in nobody's way.
        let conditions = known.checks.iter().filter(|c| c.blocks()).filter_map(condition).collect();
        let advice = advise(&known.pair.measured, answers);
        Ok(known.planned(StrategyPlan { advice, conditions }))
    }

    /// Places the bars of a timeline.
    ///
    /// # Errors
    /// As [`Switchyard::plan_strategy`], and when the file of changes cannot be read.
    pub async fn plan_timeline(&self, request: &TimelineQuestion) -> Result<Planned<Timeline>, ApiError> {
        let now = SystemClock.now();
        let file = request.changes.as_deref().map(changes).transpose()?;
        // A mistake in the file is told before anything is asked of a server.
        file.as_ref().map(timeline::check).transpose()?;
        let known = self.known(&request.of, request.copy).await?;
        // What was changed in the window holds where no file says otherwise.
        let edits = file.or_else(|| known.edits.clone()).unwrap_or_default();
        let Edited { start, changes } = timeline::check(&edits)?;
        let given_start = request.start.as_deref().map(parse_date).transpose();
        let start = given_start.map_err(|why| ApiError::problems(&[why]))?.or(start).or(known.created);
        let measured = &known.pair.measured;
        let strategy = request.strategy.or(known.strategy).or_else(|| advise(measured, &request.answers).advised);
        let placed = timeline(Given {
            measured,
            strategy: strategy.unwrap_or(Strategy::Live),
            limits: &known.limits,
            team: edits.team.unwrap_or(request.answers.team),
            start: timeline::day(start.unwrap_or(now)),
            changes: &changes,
            reached: &known.reached,
            now,
        });
        Ok(known.planned(placed))
    }

    /// Counts connections through the phases; `pool` is the application's, None what is in use now.
    ///
    /// # Errors
    /// As [`Switchyard::plan_strategy`].
    pub async fn plan_pools(&self, of: &PlanOf, pool: Option<i64>) -> Result<Planned<PoolsPlan>, ApiError> {
        let known = self.known(of, false).await?;
        let [source_room, target_room] = known.pair.rooms;
        let pools = pools(pool.unwrap_or(source_room.used).max(1), known.serving, source_room, target_room);
        Ok(known.planned(PoolsPlan { source_room, target_room, pools }))
    }

    async fn known(&self, of: &PlanOf, copy: bool) -> Result<Known, ApiError> {
        let (source, target, migration) = match of {
            PlanOf::Pair { source, target } => {
                let (a, b) =
                    tokio::try_join!(self.end(Side::Source, source, LANES), self.end(Side::Target, target, LANES))?;
                (a, b, None)
            }
            PlanOf::Migration(name) => {
                let id = self.parts.store.migration_id(name).await?;
                let journal = self.parts.store.journal(id, 0).await?;
                let state = read(name, &journal)?;
                let end = |name: &str| End { reference: name.to_owned(), password: None };
                let (here, there) = (end(&state.spec.source), end(&state.spec.target));
                let (a, b) =
                    tokio::try_join!(self.end(Side::Source, &here, LANES), self.end(Side::Target, &there, LANES))?;
                (a, b, Some((id, state, journal)))
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
            serving: Serving::Source,
            created: None,
            reached: BTreeMap::new(),
            edits: None,
        };
        if let Some((id, state, journal)) = migration {
            if copy {
                self.keep_measured(id, &known.pair).await?;
            }
            known.learn(&state, &self.parts.store.standings(id).await?);
            known.created = journal.first().map(|first| first.at);
            known.reached = reached(&journal, &state, now);
            known.edits = self.parts.store.timeline(id).await?;
        }
        Ok(known)
    }
}

impl Known {
    /// What the migration has shown already.
    fn learn(&mut self, state: &State, standings: &[Standing]) {
        self.limits = state.spec.limits.clone();
        self.strategy = Some(state.spec.strategy);
        self.serving = serving(state);
        learn(&mut self.pair.measured, state, standings);
    }

    fn planned<T>(self, plan: T) -> Planned<T> {
        let Known { source, target, pair, .. } = self;
        Planned { source, target, measured: pair.measured, notes: pair.notes, plan }
    }
}

/// What the migration's own switches and comparisons took.
fn learn(measured: &mut Measured, state: &State, standings: &[Standing]) {
    let switches = [&state.last_forward, &state.last_rollback];
    let newest = switches.into_iter().flatten().max_by_key(|(at, _)| *at);
    measured.pause_ms = newest.map(|(_, watch)| watch.write_pause_ms);
    let add = |(rows, seconds), s: &Standing| (rows + s.rows_source, seconds + s.seconds);
    let (rows, seconds) = standings.iter().fold((0, 0.0), add);
    // Of few rows the time goes elsewhere.
    if rows > 100_000 && seconds > 0.0 {
        measured.verify_rows_per_s = Some(rows as f64 / seconds);
    }
}

/// Where the application's pool is, by the route.
fn serving(state: &State) -> Serving {
    match (state.route.writes, state.route.reads_on_target) {
        (Side::Target, _) => Serving::Target,
        (Side::Source, 0) => Serving::Source,
        (Side::Source, _) => Serving::Both,
    }
}

fn read(name: &str, journal: &[Recorded]) -> Result<State, ApiError> {
    replay(journal).map_err(|e| {
        ApiError::new("failed", format!("The journal of {name} cannot be read: {e}."), "See switchyardctl journal.")
    })
}

fn condition(check: &Check) -> Option<Condition> {
    match &check.verdict {
        Verdict::Fail { why, remedy } => {
            Some(Condition { check: check.id.clone(), why: why.clone(), remedy: remedy.clone() })
        }
        Verdict::Pass { .. } | Verdict::Unknown { .. } => None,
    }
}

fn changes(path: &std::path::Path) -> Result<TimelineEdits, ApiError> {
    let text = std::fs::read_to_string(path).map_err(|e| {
        let why = format!("{} cannot be read: {}.", path.display(), crate::io_words(&e));
        ApiError::new("invalid", why, "Name a TOML file with start = \"2026-11-24\", [days] and [done].")
    })?;
    toml::from_str(&text).map_err(|e| {
        let why = format!("{} is no file of changes: {}.", path.display(), e.message());
        ApiError::new(
            "invalid",
            why,
            "Write start = \"2026-11-24\", skip_weekends = true, [days] discovery = 5, [done] discovery = \"2026-12-01\".",
        )
    })
}

/// Now, for whoever renders a plan.
pub fn now() -> UnixMs {
    SystemClock.now()
}
