//! Migrations: making, listing, commanding.

use serde::{Deserialize, Serialize};
use switchyard_model::{Command, Side, UnixMs, limits::Limits, migration::Strategy, router::RouterConfig};
use ts_rs::TS;

/// A new migration.
#[derive(Clone, Serialize, Deserialize, TS)]
pub struct CreateMigration {
    /// Unique name.
    pub name: String,
    /// Name of the source's endpoint.
    pub source: String,
    /// Name of the target's endpoint.
    pub target: String,
    /// The routers in front of both.
    pub routers: Vec<RouterConfig>,
    /// Passwords of the routers' consoles, by [`RouterConfig::secret_name`].
    pub router_passwords: Vec<RouterPassword>,
    /// `normal`, `cautious` or `demo`.
    pub limits: String,
    /// None is live.
    #[serde(default)]
    #[ts(optional)]
    pub strategy: Option<Strategy>,
}

/// One router's password.
#[derive(Clone, Serialize, Deserialize, TS)]
pub struct RouterPassword {
    /// [`RouterConfig::secret_name`].
    pub secret: String,
    /// The password.
    pub password: String,
}

/// A password typed again, for this session.
#[derive(Clone, Serialize, Deserialize, TS)]
pub struct ProvidePassword {
    /// Endpoint's name or [`RouterConfig::secret_name`].
    pub secret: String,
    /// The password.
    pub password: String,
}

/// The limits that a migration can begin with, in the order in which they are offered.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct LimitsTemplates {
    /// All of them; each carries its own name.
    pub templates: Vec<Limits>,
}

/// A migration in the list.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct MigrationRow {
    /// Its name.
    pub name: String,
    /// Source's endpoint.
    pub source: String,
    /// Target's endpoint.
    pub target: String,
    /// One line: where it stands.
    pub headline: String,
    /// Whose writes count.
    pub authority: Side,
    /// When it was created.
    pub created: UnixMs,
    /// Whether it was cleaned up.
    pub over: bool,
}

/// Asks for a command to be run.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct RunCommand {
    /// The migration.
    pub migration: String,
    /// What.
    pub command: Command,
    /// Why; may be empty.
    pub reason: String,
}

/// A command was accepted.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct Accepted {
    /// Its number in the queue; `command_result` answers for it.
    pub ticket: i64,
}

/// Asks how a command went.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct ByTicket {
    /// From [`Accepted`].
    pub ticket: i64,
}

/// How a command stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum CommandResult {
    /// Nobody has taken it yet.
    Waiting,
    /// It runs.
    Running,
    /// It did everything it set out to do.
    Done {
        /// One sentence.
        summary: String,
    },
    /// A gate or the state refused it; nothing was touched.
    Refused {
        /// One sentence.
        why: String,
    },
    /// A step failed and everything was taken back.
    Undone {
        /// One sentence.
        summary: String,
    },
    /// A step failed and something is left.
    Failed {
        /// One sentence.
        summary: String,
    },
}

/// A person answers a check.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct SignOffRequest {
    /// The migration.
    pub migration: String,
    /// [`switchyard_model::check::Check::id`].
    pub check: String,
    /// Who.
    pub name: String,
    /// Why.
    pub reason: String,
}

/// A person overrides a closed gate for the next run.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct OverrideRequest {
    /// The migration.
    pub migration: String,
    /// [`switchyard_model::gate::Judged::gate`].
    pub gate: String,
    /// Who.
    pub name: String,
    /// Why.
    pub reason: String,
}

/// Changes the limits to a template.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct SetLimits {
    /// The migration.
    pub migration: String,
    /// The new limits.
    pub limits: switchyard_model::limits::Limits,
}

/// All migrations.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct MigrationList {
    /// Newest first.
    pub migrations: Vec<MigrationRow>,
}
