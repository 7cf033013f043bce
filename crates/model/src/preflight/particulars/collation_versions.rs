//! Collations whose rules changed under the indexes that were built with them.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::on_fact;
use crate::{
    ident::{TableName, quote},
    inventory::Inventory,
    preflight::answer::{Answer, Bad, shown},
};

/// One collation, or the database's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct StaleCollation {
    /// None for the database's own.
    pub name: Option<TableName>,
    /// The version that the catalog holds.
    pub recorded: String,
    /// The version that the operating system has.
    pub actual: String,
}

pub(super) fn judge(inventory: &Inventory) -> Answer {
    let database = &inventory.server.database;
    let bad = |c: &StaleCollation| {
        let (object, refresh) = match &c.name {
            None => (
                format!("database {}", shown(&[database])),
                format!("ALTER DATABASE {} REFRESH COLLATION VERSION", quote(database)),
            ),
            Some(name) => (
                format!("collation {}", shown(&[&name.schema, &name.name])),
                format!("ALTER COLLATION {name} REFRESH VERSION"),
            ),
        };
        Bad { object, says: Some(format!("{} recorded, {} here", c.recorded, c.actual)), statement: refresh }
    };
    on_fact(&inventory.server, &inventory.particulars.collations, "versions of collations", |stale| {
        Answer::none_of(
            "every collation in use has the version that its indexes were built with",
            "changed since indexes were built with it, so they may be in a wrong order",
            "collation",
            stale.iter().map(bad),
            &format!("Rebuild what is sorted by it first: REINDEX DATABASE {}; then: ", quote(database)),
        )
    })
}
