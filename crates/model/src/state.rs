//! The state of a migration: what replaying its journal gives, and which commands it allows.

mod allows;
mod drills;
mod dual_write;
mod soak;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use ts_rs::TS;

use crate::{
    Command, Side, UnixMs,
    application::{Metric, SetUp},
    drill::{DrillPlan, DrillRecord},
    dual_write::DualWriteRecord,
    hold::Held,
    journal::{Entry, Outcome, Recorded, RunId, Scope, Stopwatch},
    limits::Limits,
    migration::MigrationSpec,
    router::Route,
    switch::{Recovery, recovery},
    validation::Validation,
};

pub use soak::{BrokenSoak, STEP_AGAIN_MS, Soak};

/// Everything the journal says. Never stored; always replayed.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    /// As created, with the limits as last changed.
    pub spec: MigrationSpec,
    /// Sequence number of the newest entry.
    pub seq: i64,
    /// Increases with every change of authority; 1 at the start.
    pub epoch: i64,
    /// The side whose writes count.
    pub authority: Side,
    /// Since when.
    pub authority_since: UnixMs,
    /// Where traffic was last sent.
    pub route: Route,
    /// Since when.
    pub route_since: UnixMs,
    /// How the present rung soaks.
    pub soak: Soak,
    /// When each phase's command last ended well.
    pub milestones: Milestones,
    /// Since when, and by whom, the source refuses writes by agreement; None while it does not.
    pub held: Option<Held>,
    /// The tables it carries; None until writes are held or replication is set up.
    pub scope: Option<Scope>,
    /// The newest pass of the validation.
    pub validation: Option<Validation>,
    /// A run without an end.
    pub open_run: Option<Run>,
    /// The newest run that ended.
    pub last_run: Option<Run>,
    /// When a run last ended that had clients held; a pause that is found soon after may be a late one of its own.
    pub clients_held_until: Option<UnixMs>,
    /// The newest switch forward.
    pub last_forward: Option<(UnixMs, Stopwatch)>,
    /// The newest switch back.
    pub last_rollback: Option<(UnixMs, Stopwatch)>,
    /// Route changes, oldest first: marks of the charts.
    pub route_changes: Vec<(UnixMs, Route)>,
    /// Sign-offs by check: who, why, when.
    pub sign_offs: BTreeMap<String, (String, String, UnixMs)>,
    /// Overrides that the next run will use: gate, who.
    pub overrides: BTreeMap<String, String>,
    /// Drills, oldest first.
    pub drills: Vec<DrillRecord>,
    /// When drills are run by themselves.
    pub drill_plan: Option<DrillPlan>,
    /// Synchronous dual writes, oldest first.
    pub dual_writes: Vec<DualWriteRecord>,
    /// The application's own metrics, by name.
    pub metrics: Vec<SetUp>,
}

/// When each phase's work was last completed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Milestones {
    /// Analyze.
    pub analyzed: Option<UnixMs>,
    /// Prepare.
    pub prepared: Option<UnixMs>,
    /// Replicate: copied, indexed, streaming, way back armed.
    pub replicating: Option<UnixMs>,
    /// Cleanup.
    pub cleaned: Option<UnixMs>,
}

/// One run of a command.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// Its number.
    pub id: RunId,
    /// What.
    pub command: Command,
    /// Who started it.
    pub by: String,
    /// Why.
    pub reason: String,
    /// When.
    pub started: UnixMs,
    /// Its steps in the order in which they started.
    pub steps: Vec<StepRecord>,
    /// Whether the authority has changed in it.
    pub past_no_return: bool,
    /// How it ended: when, how, the summary.
    pub ended: Option<(UnixMs, Outcome, String)>,
}

/// One step of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct StepRecord {
    /// Stable name.
    pub step: String,
    /// Where it stands.
    pub state: StepState,
    /// When it began.
    pub started: UnixMs,
    /// Wall time, ms, once done.
    pub ms: Option<f64>,
    /// Why it failed.
    pub why: Option<String>,
}

/// Where a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum StepState {
    /// Started, no end recorded.
    Running,
    /// Acted.
    Done,
    /// Found done.
    Skipped,
    /// Could not act.
    Failed,
    /// Taken back.
    Undone,
    /// Could not be taken back.
    UndoFailed,
}

/// A journal that cannot have been written by this program.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("entry {seq} of the journal does not follow from the ones before it: {why}")]
pub struct BadJournal {
    /// The entry.
    pub seq: i64,
    /// What is wrong with it.
    pub why: String,
}

/// Replays a journal from its first entry.
///
/// # Errors
/// When the first entry is not `Created`, a number is missing, or a step belongs to no open run.
pub fn replay(entries: &[Recorded]) -> Result<State, BadJournal> {
    let Some((first, rest)) = entries.split_first() else {
        return Err(BadJournal { seq: 0, why: "it is empty".to_owned() });
    };
    let Entry::Created { spec } = &first.entry else {
        return Err(BadJournal {
            seq: first.seq,
            why: "it does not begin with the creation of a migration".to_owned(),
        });
    };
    let mut state = State::new(spec.clone(), first.seq, first.at);
    for recorded in rest {
        state.take(recorded)?;
    }
    Ok(state)
}

impl State {
    fn new(spec: MigrationSpec, seq: i64, at: UnixMs) -> Self {
        State {
            spec,
            seq,
            epoch: 1,
            authority: Side::Source,
            authority_since: at,
            route: Route::SOURCE,
            route_since: at,
            soak: Soak { since: at, ..Soak::default() },
            milestones: Milestones::default(),
            held: None,
            scope: None,
            validation: None,
            open_run: None,
            last_run: None,
            clients_held_until: None,
            last_forward: None,
            last_rollback: None,
            route_changes: Vec::new(),
            sign_offs: BTreeMap::new(),
            overrides: BTreeMap::new(),
            drills: Vec::new(),
            drill_plan: None,
            dual_writes: Vec::new(),
            metrics: Vec::new(),
        }
    }

    /// The limits in force.
    pub fn limits(&self) -> &Limits {
        &self.spec.limits
    }

    /// Takes the next entry in.
    ///
    /// # Errors
    /// When it does not follow from the ones before it.
    pub fn take(&mut self, recorded: &Recorded) -> Result<(), BadJournal> {
        let bad = |why: &str| BadJournal { seq: recorded.seq, why: why.to_owned() };
        if recorded.seq != self.seq + 1 {
            return Err(bad(&format!("entry {} is missing", self.seq + 1)));
        }
        self.seq = recorded.seq;
        let at = recorded.at;
        match &recorded.entry {
            Entry::Created { .. } => return Err(bad("a migration is created once")),
            Entry::LimitsChanged { limits } => self.spec.limits = limits.clone(),
            Entry::MetricSet { metric } => self.set_metric(metric, recorded),
            Entry::MetricRemoved { name } => self.metrics.retain(|m| m.metric.name != *name),
            Entry::RunStarted { command, reason, .. } => {
                if self.open_run.is_some() {
                    return Err(bad("a run began while another was open"));
                }
                let overridden = std::mem::take(&mut self.overrides).into_keys();
                self.soak.force(command, overridden);
                self.open_run = Some(Run {
                    id: recorded.seq,
                    command: command.clone(),
                    by: recorded.by.clone(),
                    reason: reason.clone(),
                    started: at,
                    steps: Vec::new(),
                    past_no_return: false,
                    ended: None,
                });
            }
            Entry::StepStarted { run, step, .. } => {
                let open = self.open(*run, recorded.seq)?;
                // A step that runs again after a crash keeps its line.
                open.steps.retain(|s| &s.step != step);
                open.steps.push(StepRecord {
                    step: step.clone(),
                    state: StepState::Running,
                    started: at,
                    ms: None,
                    why: None,
                });
            }
            Entry::StepDone { run, step, ms, .. } => {
                self.mark(*run, recorded.seq, step, StepState::Done, Some(*ms), None)?;
            }
            Entry::StepSkipped { run, step } => {
                let open = self.open(*run, recorded.seq)?;
                if !open.steps.iter().any(|s| &s.step == step) {
                    open.steps.push(StepRecord {
                        step: step.clone(),
                        state: StepState::Skipped,
                        started: at,
                        ms: None,
                        why: None,
                    });
                } else {
                    self.mark(*run, recorded.seq, step, StepState::Skipped, None, None)?;
                }
            }
            Entry::StepFailed { run, step, why, .. } => {
                self.mark(*run, recorded.seq, step, StepState::Failed, None, Some(why.clone()))?;
            }
            Entry::UndoStarted { run, .. } => {
                self.open(*run, recorded.seq)?;
            }
            Entry::UndoDone { run, step } => {
                self.mark(*run, recorded.seq, step, StepState::Undone, None, None)?;
            }
            Entry::UndoFailed { run, step, why, .. } => {
                self.mark(*run, recorded.seq, step, StepState::UndoFailed, None, Some(why.clone()))?;
            }
            Entry::Scoped { run, scope } => {
                self.open(*run, recorded.seq)?;
                self.scope = Some(scope.clone());
            }
            Entry::PointOfNoReturn { run, epoch, authority } => {
                if *epoch != self.epoch + 1 {
                    return Err(bad("epochs increase by one"));
                }
                self.open(*run, recorded.seq)?.past_no_return = true;
                self.epoch = *epoch;
                self.authority = *authority;
                // What was held by agreement is refused for good now, or lowered by the way back.
                self.held = None;
                self.authority_since = at;
            }
            Entry::Routed { run, route } => {
                self.open(*run, recorded.seq)?;
                if self.route != *route {
                    self.route_changes.push((at, *route));
                }
                self.route = *route;
                self.route_since = at;
                self.soak.begin(at);
            }
            Entry::Validated { run, validation } => {
                self.open(*run, recorded.seq)?;
                self.validation = Some(validation.clone());
            }
            Entry::Repaired { run, .. } => {
                self.open(*run, recorded.seq)?;
            }
            Entry::RunEnded { run, outcome, summary, stopwatch } => {
                self.open(*run, recorded.seq)?;
                self.end(at, *outcome, summary, stopwatch.as_ref());
            }
            Entry::Recovered { run, .. } => {
                self.open(*run, recorded.seq)?;
            }
            Entry::SignedOff { check, by_name, reason } => {
                self.sign_offs.insert(check.clone(), (by_name.clone(), reason.clone(), at));
            }
            Entry::Overridden { gate, by_name, .. } => {
                self.overrides.insert(gate.clone(), by_name.clone());
            }
            Entry::DrillAsked { order } => self.drills.push(DrillRecord {
                id: recorded.seq,
                asked: at,
                by: recorded.by.clone(),
                order: order.clone(),
                began: None,
                ended: None,
            }),
            Entry::DrillBegan { drill } => self.drill(*drill, recorded.seq)?.began = Some(at),
            Entry::DrillEnded { drill, result } => {
                self.drill(*drill, recorded.seq)?.ended = Some((at, result.clone()));
            }
            Entry::DrillsScheduled { plan } => self.drill_plan = plan.clone(),
            Entry::DualWrite { event } => self.take_dual_write(event, recorded.seq, at, &recorded.by)?,
            // What an index is, is on the target; nothing waits for it.
            Entry::IndexAsked { .. } | Entry::IndexEnded { .. } => {}
            Entry::SoakBroken { gate, title, why, step_back } => {
                let broken = BrokenSoak { at, gate: gate.clone(), title: title.clone(), why: why.clone() };
                self.soak.take_break(broken, step_back.is_some());
            }
            Entry::SoakMended => self.soak.mend(at),
            // What is accepted is kept beside the journal, and no gate asks for it.
            Entry::DifferenceAccepted { .. }
            | Entry::DifferenceTakenBack { .. }
            | Entry::TransactionEndAsked { .. }
            | Entry::LeaseTaken { .. } => {}
        }
        Ok(())
    }

    fn set_metric(&mut self, metric: &Metric, recorded: &Recorded) {
        let Recorded { seq, at, by, .. } = recorded;
        let set_up = SetUp { seq: *seq, at: *at, by: by.clone(), metric: metric.clone() };
        self.metrics.retain(|m| m.metric.name != metric.name);
        let place = self.metrics.partition_point(|m| m.metric.name < metric.name);
        self.metrics.insert(place, set_up);
    }

    fn open(&mut self, run: RunId, seq: i64) -> Result<&mut Run, BadJournal> {
        match self.open_run.as_mut() {
            Some(open) if open.id == run => Ok(open),
            _ => Err(BadJournal { seq, why: format!("it belongs to run {run}, which is not open") }),
        }
    }

    fn mark(
        &mut self,
        run: RunId,
        seq: i64,
        step: &str,
        state: StepState,
        ms: Option<f64>,
        why: Option<String>,
    ) -> Result<(), BadJournal> {
        let open = self.open(run, seq)?;
        let Some(record) = open.steps.iter_mut().find(|s| s.step == step) else {
            return Err(BadJournal { seq, why: format!("step {step} ended without having started") });
        };
        record.state = state;
        record.ms = ms.or(record.ms);
        record.why = why.or(record.why.take());
        Ok(())
    }

    fn end(&mut self, at: UnixMs, outcome: Outcome, summary: &str, stopwatch: Option<&Stopwatch>) {
        let Some(mut run) = self.open_run.take() else { return };
        run.ended = Some((at, outcome, summary.to_owned()));
        self.end_hold(&run, at, outcome);
        if run.command.holds_clients() {
            self.clients_held_until = Some(at);
        }
        if outcome == Outcome::Done {
            match &run.command {
                Command::Analyze => self.milestones.analyzed = Some(at),
                Command::Prepare => self.milestones.prepared = Some(at),
                Command::Replicate => self.milestones.replicating = Some(at),
                Command::Cleanup { .. } => self.milestones.cleaned = Some(at),
                Command::SwitchWrites => {
                    if let Some(s) = stopwatch {
                        self.last_forward = Some((at, s.clone()));
                    }
                }
                Command::RollBack => {
                    if let Some(s) = stopwatch {
                        self.last_rollback = Some((at, s.clone()));
                    }
                }
                Command::Hold
                | Command::Release
                | Command::Validate
                | Command::Repair { .. }
                | Command::ShiftReads { .. } => {}
            }
        } else if run.command == Command::Prepare {
            // Taken back, and with it what an earlier one had made.
            self.milestones.prepared = None;
        }
        self.last_run = Some(run);
    }

    /// The route as it was when the open run began; the present one where none is open.
    pub fn route_before_run(&self) -> Route {
        let Some(run) = &self.open_run else { return self.route };
        let earlier = self.route_changes.iter().rfind(|(at, _)| *at < run.started);
        if self.route_since < run.started { self.route } else { earlier.map_or(Route::SOURCE, |(_, route)| *route) }
    }

    /// What recovery does with the open run.
    pub fn recovery(&self) -> Option<Recovery> {
        self.open_run.as_ref().map(|run| recovery(run.past_no_return || run.command.is_finished(self.held.is_some())))
    }
}

#[cfg(test)]
mod offline;

#[cfg(test)]
mod tests;
