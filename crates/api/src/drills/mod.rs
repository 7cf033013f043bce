//! Drills for hosts: asking for one, planning them, and what became of them.

mod killed;
pub mod report;

use switchyard_engine::{
    drill::canary_secret,
    facts::{SNAPSHOT, Snapshot},
    secret::Secret,
    store::MigrationId,
};
use switchyard_model::{
    Command,
    drill::{Act, DrillOrder, DrillPlan, Failure},
    gate::{self, Question},
    journal::Entry,
    state::State,
};

use crate::{Switchyard, cockpit, dto::*};

/// Name of the canary's role in the store.
const CANARY: &str = "canary";

/// How many past drills the page gets.
const PAST: usize = 200;

impl Switchyard {
    /// Asks for a drill; whoever drives runs it.
    pub(crate) async fn drill_start(&self, args: DrillRequest) -> Result<DrillAccepted, ApiError> {
        let order = self.order(&args).await?;
        if order.failure == Failure::OperatorKilled {
            let why = "The drill that kills whoever drives needs another process to look on.";
            return Err(ApiError::new(
                "refused",
                why,
                "Run it with `switchyardctl drill run --failure operator-killed`.",
            ));
        }
        let (_, book) = self.named(&args.migration).await?;
        self.see_allowed(&book.state().await, &order)?;
        let drill = book.record(Entry::DrillAsked { order: order.clone() }).await?;
        self.changed(&args.migration);
        Ok(DrillAccepted { drill, order })
    }

    /// Everything that the Drills page shows.
    pub(crate) async fn drills(&self, args: ByName) -> Result<DrillsView, ApiError> {
        let (id, book) = self.named(&args.name).await?;
        let state = book.state().await;
        let snapshot: Option<(i64, Snapshot)> = self.parts.store.snapshot(id, SNAPSHOT).await?;
        let snapshot = snapshot.map(|(_, s)| s).unwrap_or_default();
        let kinds = Failure::ALL
            .into_iter()
            .map(|failure| DrillKind {
                failure,
                word: failure.word().to_owned(),
                title: failure.title().to_owned(),
                what: failure.what().to_owned(),
                goal_ms: failure.goal_ms(),
                from_window: failure != Failure::OperatorKilled,
                last: state.drills.iter().rfind(|d| d.order.failure == failure && !d.is_open()).cloned(),
            })
            .collect();
        let reads = Act::Reads { percent: state.rehearsed_percent().max(1) };
        Ok(DrillsView {
            kinds,
            acts: [reads, Act::Writes].map(|act| self.act(&state, &snapshot, act)).to_vec(),
            past: state.drills.iter().rev().filter(|d| !d.is_open()).take(PAST).cloned().collect(),
            open: state.open_drill().cloned(),
            progress: snapshot.progress.filter(|_| state.open_drill().is_some_and(|d| d.began.is_some())),
            due: state.drill_plan.as_ref().map(|p| p.next(&state.drills)),
            plan: state.drill_plan.clone(),
            passed_at: state.drill_passed_at(),
            max_age_s: state.limits().drill_max_age_s,
            canary: self.canary(id, &state).await?,
        })
    }

    /// Plans drills, or takes the plan back.
    pub(crate) async fn drill_schedule(&self, args: ScheduleDrills) -> Result<Nothing, ApiError> {
        let plan = match args.every_s {
            None => None,
            Some(every_s) => {
                let plan = DrillPlan { every_s, from: self.parts.clock.now(), order: self.order(&args.drill).await? };
                if plan.order.failure == Failure::OperatorKilled {
                    let why = "The drill that kills whoever drives needs an onlooker, and nobody looks on by plan.";
                    return Err(ApiError::new("refused", why, "Choose another failure."));
                }
                let problems = plan.problems();
                if !problems.is_empty() {
                    return Err(ApiError::problems(&problems));
                }
                Some(plan)
            }
        };
        self.record(&args.drill.migration, Entry::DrillsScheduled { plan }).await
    }

    /// Keeps the canary's role with the migration, and its password where passwords are.
    pub(crate) async fn set_canary(&self, args: SetCanary) -> Result<Nothing, ApiError> {
        let (id, _) = self.named(&args.migration).await?;
        self.keep_canary(id, &args.migration, &args.role, args.password).await?;
        Ok(Nothing {})
    }

    /// The order of a request, with what it leaves open filled in.
    async fn order(&self, args: &DrillRequest) -> Result<DrillOrder, ApiError> {
        let (id, book) = self.named(&args.migration).await?;
        let state = book.state().await;
        let canary = match &args.canary {
            Some(role) => role.trim().to_owned(),
            None => self.canary(id, &state).await?.unwrap_or_default(),
        };
        let goal_ms = args.goal_ms.unwrap_or_else(|| args.failure.goal_ms());
        let order = DrillOrder { failure: args.failure, act: args.act, canary, goal_ms };
        let problems = order.problems();
        if !problems.is_empty() {
            return Err(ApiError::problems(&problems));
        }
        self.keep_canary(id, &args.migration, &order.canary, args.password.clone()).await?;
        Ok(order)
    }

    async fn keep_canary(
        &self,
        id: MigrationId,
        migration: &str,
        role: &str,
        password: Option<String>,
    ) -> Result<(), ApiError> {
        if role.is_empty() || role.len() > 63 || role.contains('\0') {
            let why = "The canary's role has no name that a server can have.";
            return Err(ApiError::new("invalid", why, "Give a name of 1 to 63 bytes."));
        }
        if let Some(password) = password {
            self.parts.keychain.put(&canary_secret(migration, role), Secret::new(password)).await;
        }
        Ok(self.parts.store.put_snapshot(id, CANARY, self.parts.clock.now(), &role).await?)
    }

    /// The role that was given last.
    async fn canary(&self, id: MigrationId, state: &State) -> Result<Option<String>, ApiError> {
        let kept: Option<(i64, String)> = self.parts.store.snapshot(id, CANARY).await?;
        Ok(kept.map(|(_, role)| role).or_else(|| state.drills.last().map(|d| d.order.canary.clone())))
    }

    fn see_allowed(&self, state: &State, order: &DrillOrder) -> Result<(), ApiError> {
        let refused = |why| ApiError::new("refused", why, "Do what the message says comes first.");
        state.allows_drill(order).map_err(refused)
    }

    /// What a drill can move, and why not now: the state's word first, then every closed gate.
    fn act(&self, state: &State, snapshot: &Snapshot, act: Act) -> DrillAct {
        let (command, title) = match act {
            Act::Reads { percent } => {
                (Command::ShiftReads { percent }, format!("Shift {percent} % of reads, fail, roll back"))
            }
            Act::Writes => (Command::SwitchWrites, "Switch writes, fail, roll back".to_owned()),
        };
        let failure = Failure::TargetDown;
        let order = DrillOrder { failure, act, canary: "canary".to_owned(), goal_ms: failure.goal_ms() };
        let gates =
            gate::judge(&Question { command: &command, state, facts: &snapshot.facts, now: self.parts.clock.now() });
        let why_not = state.allows_drill(&order).err().or_else(|| cockpit::shut(&gates));
        DrillAct { act, title, why_not }
    }
}
