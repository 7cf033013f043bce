//! Triggers that fire on rows which replication applies.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::on_fact;
use crate::{
    ident::{TableName, quote},
    inventory::Inventory,
    preflight::answer::{Answer, Bad},
};

/// One trigger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct AlwaysTrigger {
    /// Its table.
    pub table: TableName,
    /// Its name.
    pub name: String,
}

pub(super) fn judge(inventory: &Inventory) -> Answer {
    on_fact(&inventory.server, &inventory.particulars.always_triggers, "triggers", |triggers| {
        Answer::none_of(
            "none is ENABLE ALWAYS or ENABLE REPLICA",
            "set to fire on applied rows (ENABLE ALWAYS or REPLICA)",
            "trigger",
            triggers.iter().map(|t| {
                Bad::of(&t.table, &[&t.name], format!("ALTER TABLE {} ENABLE TRIGGER {}", t.table, quote(&t.name)))
            }),
            "",
        )
    })
}
