//! How far a migration has been walked.

use switchyard_api::dto::Cockpit;
use switchyard_model::Side;

/// A point on the way from a fresh migration to writes on the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Created, nothing was run.
    Created,
    /// Both catalogs are read, the target has its schema, changes flow both ways.
    Replicating,
    /// And every table was found equal.
    Validated,
    /// And this share of reads is on the target.
    Reads(u8),
    /// And writes are on the target.
    Switched,
}

impl Stage {
    /// Whether the cockpit shows a migration that is here or beyond.
    pub fn reached(self, cockpit: &Cockpit) -> bool {
        match self {
            Stage::Created => true,
            Stage::Replicating => cockpit.copy.as_ref().is_some_and(|c| c.done) && cockpit.running.is_none(),
            Stage::Validated => cockpit.validation.is_some() && cockpit.running.is_none(),
            Stage::Reads(percent) => cockpit.reads_on_target >= percent && cockpit.running.is_none(),
            Stage::Switched => cockpit.authority == Side::Target && cockpit.running.is_none(),
        }
    }
}
