//! One complete reading of one side.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{
    column::Column,
    constraint::Constraint,
    database::Database,
    default_privileges::DefaultPrivileges,
    event_trigger::EventTrigger,
    extension::Extension,
    foreign::{ForeignDataWrapper, ForeignServer, UserMapping},
    function::Function,
    index::Index,
    item::Item,
    kind::Kind,
    large_objects::LargeObjects,
    policy::Policy,
    publication::Publication,
    role::Role,
    rule::Rule,
    sequence::Sequence,
    setting::Setting,
    size::RelationSize,
    space::Schema,
    statistics::Statistics,
    subscription::Subscription,
    table::Table,
    trigger::Trigger,
    types::Type,
    view::View,
};

/// Something that could not be looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Unseen {
    /// Its kind or its name.
    pub object: String,
    /// The kind that was not read at all; such a kind is not compared. None where only a part is missing.
    pub kind: Option<Kind>,
    /// One sentence.
    pub why: String,
}

/// One object needs another: both as kind (its name space) and catalog number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Need {
    /// Kind of the one that needs.
    pub of: Kind,
    /// Its number.
    pub of_oid: u32,
    /// Kind of what is needed.
    pub on: Kind,
    /// Its number.
    pub on_oid: u32,
}

/// Everything that one database holds. System schemas, objects of extensions and our own are left out.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Inventory {
    /// `server_version_num`.
    pub version_num: i32,
    /// For people: `15.20`.
    pub version: String,
    /// The database itself; one, unless it could not be read.
    pub database: Vec<Database>,
    /// Roles that something here belongs or is granted to, and the others as far as they were seen.
    pub roles: Vec<Role>,
    /// Settings of the database and of those roles.
    pub settings: Vec<Setting>,
    /// Schemas.
    pub schemas: Vec<Schema>,
    /// Extensions.
    pub extensions: Vec<Extension>,
    /// Enums, domains, composites, ranges.
    pub types: Vec<Type>,
    /// Sequences.
    pub sequences: Vec<Sequence>,
    /// Functions and procedures.
    pub functions: Vec<Function>,
    /// Foreign-data wrappers.
    pub foreign_data_wrappers: Vec<ForeignDataWrapper>,
    /// Foreign servers.
    pub foreign_servers: Vec<ForeignServer>,
    /// User mappings.
    pub user_mappings: Vec<UserMapping>,
    /// Tables, partitions, foreign tables.
    pub tables: Vec<Table>,
    /// Their columns.
    pub columns: Vec<Column>,
    /// Their constraints.
    pub constraints: Vec<Constraint>,
    /// Indexes that belong to no constraint.
    pub indexes: Vec<Index>,
    /// Views, materialised or not.
    pub views: Vec<View>,
    /// Statistics objects.
    pub statistics: Vec<Statistics>,
    /// Rewrite rules.
    pub rules: Vec<Rule>,
    /// Triggers.
    pub triggers: Vec<Trigger>,
    /// Row-level policies.
    pub policies: Vec<Policy>,
    /// Event triggers.
    pub event_triggers: Vec<EventTrigger>,
    /// Publications.
    pub publications: Vec<Publication>,
    /// Subscriptions.
    pub subscriptions: Vec<Subscription>,
    /// Default privileges.
    pub default_privileges: Vec<DefaultPrivileges>,
    /// Large objects by owner.
    pub large_objects: Vec<LargeObjects>,
    /// Which object needs which; for the order of statements. People read it by names, see
    /// [`dependencies`](super::dependencies).
    #[serde(default, skip_serializing)]
    pub needs: Vec<Need>,
    /// Sizes and rows of tables; empty where they were not asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sizes: Vec<RelationSize>,
    /// What could not be looked at.
    pub unseen: Vec<Unseen>,
}

impl Inventory {
    /// Every object, in the order of kinds.
    pub fn items(&self) -> Vec<&dyn Item> {
        fn all<T: Item>(list: &[T]) -> impl Iterator<Item = &dyn Item> {
            list.iter().map(|item| item as &dyn Item)
        }
        let mut out: Vec<&dyn Item> = Vec::new();
        out.extend(all(&self.database));
        out.extend(all(&self.roles));
        out.extend(all(&self.settings));
        out.extend(all(&self.schemas));
        out.extend(all(&self.extensions));
        out.extend(all(&self.types));
        out.extend(all(&self.sequences));
        out.extend(all(&self.functions));
        out.extend(all(&self.foreign_data_wrappers));
        out.extend(all(&self.foreign_servers));
        out.extend(all(&self.user_mappings));
        out.extend(all(&self.tables));
        out.extend(all(&self.columns));
        out.extend(all(&self.constraints));
        out.extend(all(&self.indexes));
        out.extend(all(&self.views));
        out.extend(all(&self.statistics));
        out.extend(all(&self.rules));
        out.extend(all(&self.triggers));
        out.extend(all(&self.policies));
        out.extend(all(&self.event_triggers));
        out.extend(all(&self.publications));
        out.extend(all(&self.subscriptions));
        out.extend(all(&self.default_privileges));
        out.extend(all(&self.large_objects));
        out
    }
}
