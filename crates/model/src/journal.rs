//! The entries of the journal. The state is what replaying them gives ([`crate::state`]).
//!
//! Entries are written before the act they announce. They hold no secrets and no rows; of a row that was repaired its key.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use ts_rs::TS;

use crate::{
    Command, Side, UnixMs,
    application::Metric,
    drill::{DrillOrder, DrillPlan, DrillResult},
    dual_write::DualWriteEvent,
    ident::TableName,
    inventory::{Inventory, TableKind},
    limits::Limits,
    migration::MigrationSpec,
    repair::Repaired,
    router::Route,
    validation::Validation,
};

/// Number of a run: the journal's sequence number of its `RunStarted`.
pub type RunId = i64;

/// One entry as stored: ordered by `seq`, never by time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Recorded {
    /// 1, 2, 3 … without gaps within a migration.
    pub seq: i64,
    /// Wall clock of the process that wrote it; for people only.
    pub at: UnixMs,
    /// Who: operating-system user and host.
    pub by: String,
    /// Generation of the lease under which it was written.
    pub generation: i64,
    /// The entry.
    #[serde(flatten)]
    pub entry: Entry,
}

/// What can be recorded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "entry", rename_all = "snake_case")]
pub enum Entry {
    /// The migration exists.
    Created {
        /// As the operator decided it.
        spec: MigrationSpec,
    },
    /// Gates and deadlines changed.
    LimitsChanged {
        /// The new ones.
        limits: Limits,
    },
    /// A metric of the application was set up; one of the same name is replaced.
    MetricSet {
        /// It.
        metric: Metric,
    },
    /// A metric of the application is asked for no more.
    MetricRemoved {
        /// Its name.
        name: String,
    },
    /// A command was accepted and will run.
    RunStarted {
        /// What.
        command: Command,
        /// Why, in the operator's words.
        reason: String,
        /// The gates as they stood, one sentence each.
        gates: Vec<String>,
    },
    /// Intent: the step is about to act.
    StepStarted {
        /// The run.
        run: RunId,
        /// The step's stable name.
        step: String,
        /// What it is going to run, as the preview shows it.
        actions: Vec<Action>,
    },
    /// The step acted.
    StepDone {
        /// The run.
        run: RunId,
        /// The step's stable name.
        step: String,
        /// Wall time, ms.
        ms: f64,
        /// What it found or made.
        #[ts(type = "unknown")]
        output: Value,
    },
    /// The step was found already done, so it did not act.
    StepSkipped {
        /// The run.
        run: RunId,
        /// The step's stable name.
        step: String,
    },
    /// The step could not act.
    StepFailed {
        /// The run.
        run: RunId,
        /// The step's stable name.
        step: String,
        /// What went wrong.
        why: String,
        /// What to do.
        remedy: String,
    },
    /// Intent: what the step did is about to be taken back.
    UndoStarted {
        /// The run.
        run: RunId,
        /// The step's stable name.
        step: String,
    },
    /// It was taken back.
    UndoDone {
        /// The run.
        run: RunId,
        /// The step's stable name.
        step: String,
    },
    /// It could not be taken back; a person has to look.
    UndoFailed {
        /// The run.
        run: RunId,
        /// The step's stable name.
        step: String,
        /// What went wrong.
        why: String,
        /// What to do.
        remedy: String,
    },
    /// Which tables the migration carries, fixed when replication is set up.
    Scoped {
        /// The run.
        run: RunId,
        /// The tables.
        scope: Scope,
    },
    /// The point of no return of a write switch: from here a crash is finished forward.
    PointOfNoReturn {
        /// The run.
        run: RunId,
        /// The new epoch.
        epoch: i64,
        /// The side whose writes count from here.
        authority: Side,
    },
    /// The route was changed and read back.
    Routed {
        /// The run.
        run: RunId,
        /// As read back.
        route: Route,
    },
    /// A pass of the validation ended.
    Validated {
        /// The run.
        run: RunId,
        /// Its result.
        validation: Validation,
    },
    /// Rows that differed were made equal, or not.
    Repaired {
        /// The run.
        run: RunId,
        /// Which rows, and what became of each.
        repaired: Repaired,
    },
    /// The command is over.
    RunEnded {
        /// The run.
        run: RunId,
        /// How.
        outcome: Outcome,
        /// One sentence for people.
        summary: String,
        /// For a write switch: how long each part took.
        stopwatch: Option<Stopwatch>,
    },
    /// Another process took over after a crash, knowing nothing but the journal.
    Recovered {
        /// The run it found open.
        run: RunId,
        /// Whether it will finish or undo.
        decision: crate::switch::Recovery,
    },
    /// A check that no program can compute was signed off.
    SignedOff {
        /// The check.
        check: String,
        /// Who answers for it.
        by_name: String,
        /// Why.
        reason: String,
    },
    /// A closed gate was overridden for the next run.
    Overridden {
        /// The gate.
        gate: String,
        /// Who answers for it.
        by_name: String,
        /// Why.
        reason: String,
    },
    /// A difference of the schemas may stay.
    DifferenceAccepted {
        /// Kind, object and what differs, for people.
        difference: String,
        /// Who says so.
        by_name: Option<String>,
        /// Why.
        reason: String,
    },
    /// What was accepted no longer is.
    DifferenceTakenBack {
        /// Kind, object and what differs, for people.
        difference: String,
    },
    /// A drill was asked for; whoever drives runs it. The entry's number is the drill's.
    DrillAsked {
        /// What is rehearsed.
        order: DrillOrder,
    },
    /// A drill is about to move traffic and to put its failure on.
    DrillBegan {
        /// The drill.
        drill: i64,
    },
    /// A drill is over, and its failure is gone.
    DrillEnded {
        /// The drill.
        drill: i64,
        /// What it measured.
        result: DrillResult,
    },
    /// When drills are run by themselves.
    DrillsScheduled {
        /// The plan; None for no more.
        plan: Option<DrillPlan>,
    },
    /// Something about synchronous dual write.
    DualWrite {
        /// What.
        event: DualWriteEvent,
    },
    /// Intent: an index that the target lacks is about to be made there.
    IndexAsked {
        /// What will run.
        action: Action,
        /// The statement that is slow without it, by its shape's id.
        statement: String,
    },
    /// It is there, or could not be made. The index's number is its `IndexAsked`'s.
    IndexEnded {
        /// The index.
        index: i64,
        /// Why it could not be made; None when it is there.
        failed: Option<String>,
        /// Wall time, ms.
        ms: f64,
    },
    /// A gate failed while a rung soaked: the ladder holds, or steps back by itself.
    SoakBroken {
        /// The gate.
        gate: String,
        /// Its title.
        title: String,
        /// What it said.
        why: String,
        /// Percent of reads to which the ladder is about to step back; None where it stays.
        step_back: Option<u8>,
    },
    /// Everything that is watched is well again: the soak begins anew.
    SoakMended,
    /// Somebody asked for the end of a transaction that stood in the way of the fence.
    TransactionEndAsked {
        /// The side it is on.
        side: Side,
        /// Which, as it was shown: process, application, age, table.
        transaction: String,
        /// Who answers for it, where that is said.
        by_name: Option<String>,
        /// Why.
        reason: String,
    },
    /// The lease was taken from a holder that had let it lapse.
    LeaseTaken {
        /// The holder before.
        from: String,
    },
}

/// The tables of a migration.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Scope {
    /// What is published: ordinary tables and partitioned roots.
    pub publish: Vec<TableName>,
    /// What is locked and put behind refusing triggers: the same and every partition, since a statement trigger fires only
    /// for the relation that the statement names.
    pub fence: Vec<TableName>,
}

impl Scope {
    /// As a catalog gives it.
    pub fn of(inventory: &Inventory) -> Scope {
        Scope {
            publish: inventory.published_roots().filter(|t| !t.unlogged).map(|t| t.name.clone()).collect(),
            fence: inventory.tables.iter().filter(|t| t.kind != TableKind::Foreign).map(|t| t.name.clone()).collect(),
        }
    }
}

/// One act on the outside world, as the preview shows it and the step performs it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Action {
    /// Where: an endpoint's or a router's label.
    pub at: String,
    /// The exact statement or command; secrets masked.
    pub run: String,
}

impl Action {
    /// From where and what.
    pub fn new(at: impl Into<String>, run: impl Into<String>) -> Self {
        Self { at: at.into(), run: run.into() }
    }
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Everything it set out to do.
    Done,
    /// A step failed and everything was taken back.
    Undone,
    /// A step failed and something is left; the summary says what.
    Failed,
}

/// Where the time of a write switch went, ms. The parts are in order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Stopwatch {
    /// From the first `PAUSE` sent to the last `RESUME` answered.
    pub write_pause_ms: f64,
    /// Each step inside the pause.
    pub parts: Vec<Part>,
}

/// One step's share.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Part {
    /// The step's stable name.
    pub step: String,
    /// Wall time, ms.
    pub ms: f64,
}
