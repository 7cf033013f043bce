//! The kinds of objects, in the order in which they can be made.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What an object is. The order is that of creation: what comes later may need what comes earlier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The database itself.
    Database,
    /// A role that something in the database belongs or is granted to.
    Role,
    /// A setting of the database or of a role.
    Setting,
    /// A schema.
    Schema,
    /// An extension.
    Extension,
    /// An enum, domain, composite or range.
    Type,
    /// A sequence.
    Sequence,
    /// A function or procedure.
    Function,
    /// A foreign-data wrapper.
    ForeignDataWrapper,
    /// A foreign server.
    ForeignServer,
    /// Whose name a role bears on a foreign server.
    UserMapping,
    /// A table, partitioned or not, or a partition.
    Table,
    /// A table whose rows are elsewhere.
    ForeignTable,
    /// A column.
    Column,
    /// A primary key, unique, check, foreign key or exclusion constraint.
    Constraint,
    /// An index that belongs to no constraint.
    Index,
    /// A view.
    View,
    /// A materialised view.
    MaterializedView,
    /// A statistics object.
    Statistics,
    /// A rewrite rule.
    Rule,
    /// A trigger.
    Trigger,
    /// A row-level policy.
    Policy,
    /// An event trigger.
    EventTrigger,
    /// A publication.
    Publication,
    /// A subscription.
    Subscription,
    /// Rights that new objects will have.
    DefaultPrivileges,
    /// The large objects of one owner.
    LargeObjects,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 27] = [
        Kind::Database,
        Kind::Role,
        Kind::Setting,
        Kind::Schema,
        Kind::Extension,
        Kind::Type,
        Kind::Sequence,
        Kind::Function,
        Kind::ForeignDataWrapper,
        Kind::ForeignServer,
        Kind::UserMapping,
        Kind::Table,
        Kind::ForeignTable,
        Kind::Column,
        Kind::Constraint,
        Kind::Index,
        Kind::View,
        Kind::MaterializedView,
        Kind::Statistics,
        Kind::Rule,
        Kind::Trigger,
        Kind::Policy,
        Kind::EventTrigger,
        Kind::Publication,
        Kind::Subscription,
        Kind::DefaultPrivileges,
        Kind::LargeObjects,
    ];

    /// Its word in JSON and in `accepted.toml`.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Database => "database",
            Kind::Role => "role",
            Kind::Setting => "setting",
            Kind::Schema => "schema",
            Kind::Extension => "extension",
            Kind::Type => "type",
            Kind::Sequence => "sequence",
            Kind::Function => "function",
            Kind::ForeignDataWrapper => "foreign_data_wrapper",
            Kind::ForeignServer => "foreign_server",
            Kind::UserMapping => "user_mapping",
            Kind::Table => "table",
            Kind::ForeignTable => "foreign_table",
            Kind::Column => "column",
            Kind::Constraint => "constraint",
            Kind::Index => "index",
            Kind::View => "view",
            Kind::MaterializedView => "materialized_view",
            Kind::Statistics => "statistics",
            Kind::Rule => "rule",
            Kind::Trigger => "trigger",
            Kind::Policy => "policy",
            Kind::EventTrigger => "event_trigger",
            Kind::Publication => "publication",
            Kind::Subscription => "subscription",
            Kind::DefaultPrivileges => "default_privileges",
            Kind::LargeObjects => "large_objects",
        }
    }

    /// The space in which names of this kind are unique: relations share one.
    pub(super) fn space(self) -> Kind {
        match self {
            Kind::Table | Kind::ForeignTable | Kind::View | Kind::MaterializedView => Kind::Table,
            Kind::Database
            | Kind::Role
            | Kind::Setting
            | Kind::Schema
            | Kind::Extension
            | Kind::Type
            | Kind::Sequence
            | Kind::Function
            | Kind::ForeignDataWrapper
            | Kind::ForeignServer
            | Kind::UserMapping
            | Kind::Column
            | Kind::Constraint
            | Kind::Index
            | Kind::Statistics
            | Kind::Rule
            | Kind::Trigger
            | Kind::Policy
            | Kind::EventTrigger
            | Kind::Publication
            | Kind::Subscription
            | Kind::DefaultPrivileges
            | Kind::LargeObjects => self,
        }
    }

    /// Whether it is part of a table or view. Parts that only the target has go before anything is made, so that they
    /// stand in nobody's way.
    pub(super) fn is_part(self) -> bool {
        match self {
            Kind::Column | Kind::Constraint | Kind::Index | Kind::Rule | Kind::Trigger | Kind::Policy => true,
            Kind::Database
            | Kind::Role
            | Kind::Setting
            | Kind::Schema
            | Kind::Extension
            | Kind::Type
            | Kind::Sequence
            | Kind::Function
            | Kind::ForeignDataWrapper
            | Kind::ForeignServer
            | Kind::UserMapping
            | Kind::Table
            | Kind::ForeignTable
            | Kind::View
            | Kind::MaterializedView
            | Kind::Statistics
            | Kind::EventTrigger
            | Kind::Publication
            | Kind::Subscription
            | Kind::DefaultPrivileges
            | Kind::LargeObjects => false,
        }
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.word())
    }
}
