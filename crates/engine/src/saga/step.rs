//! The shape of a step.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;
use switchyard_model::journal::{Action, Stopwatch};

use super::Cx;
use crate::{error::Result, store::Durability};

/// What reality says about a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Observed {
    /// Its effect is not there, or only in part; applying again is right.
    NotDone,
    /// Its effect is there.
    Done,
}

/// One act on the outside world. `apply` and `undo` are idempotent: each may run twice, or after a crash half way.
#[async_trait]
pub trait Step: Send + Sync {
    /// Stable name in the journal.
    fn name(&self) -> &'static str;
    /// What it does, for people, with the names of this migration.
    fn title(&self, cx: &Cx) -> String;
    /// Longest time `apply` may take.
    fn deadline(&self, cx: &Cx) -> Duration;
    /// Exactly what `apply` will run; empty for steps that only look.
    async fn actions(&self, cx: &Cx) -> Result<Vec<Action>>;
    /// Asks reality whether the effect is there. Asked only after a crash.
    async fn observe(&self, cx: &Cx) -> Result<Observed>;
    /// Acts.
    async fn apply(&self, cx: &Cx) -> Result<Value>;
    /// Takes the effect back, whether or not it is there.
    async fn undo(&self, cx: &Cx) -> Result<()>;
    /// What of its effect an undo leaves, as a sentence, so that nobody is told that all was taken back.
    fn stays(&self) -> Option<&'static str> {
        None
    }
    /// How its entries are written; see [`Durability`].
    fn durability(&self) -> Durability {
        Durability::Disk
    }
    /// Whether clients wait while it runs.
    fn is_inside_the_pause(&self) -> bool {
        false
    }
    /// Whether it only makes clients wait instead of being refused: what is finished late is finished without it.
    fn only_spares_clients(&self) -> bool {
        false
    }
    /// Whether everything after it is finished forward.
    fn is_point_of_no_return(&self) -> bool {
        false
    }
}

/// A saga: its steps in order.
pub struct Plan {
    /// `Roll back: writes and reads return to the source`.
    pub title: String,
    /// One or two sentences: what it means.
    pub summary: String,
    /// The steps.
    pub steps: Vec<Box<dyn Step>>,
    /// Computes the stopwatch once it is over, where the saga holds clients.
    pub stopwatch: bool,
}

/// A step as the preview shows it.
#[derive(Debug, Clone)]
pub struct PlannedStep {
    /// Stable name.
    pub name: &'static str,
    /// For people.
    pub title: String,
    /// Its deadline.
    pub deadline: Duration,
    /// Whether this is the point of no return.
    pub point_of_no_return: bool,
    /// What it would run, or why that cannot be said now.
    pub actions: std::result::Result<Vec<Action>, String>,
}

/// How long each part took; kept by the driver while clients wait.
#[derive(Debug, Clone, Default)]
pub(super) struct Watch {
    pub(super) parts: Vec<switchyard_model::journal::Part>,
    pub(super) began: Option<std::time::Instant>,
    /// The same on the wall clock; means nothing before `began` is set.
    pub(super) began_at: switchyard_model::UnixMs,
    pub(super) pause_ms: Option<f64>,
}

impl Watch {
    pub(super) fn stopwatch(self) -> Option<Stopwatch> {
        Some(Stopwatch { write_pause_ms: self.pause_ms?, parts: self.parts })
    }
}
