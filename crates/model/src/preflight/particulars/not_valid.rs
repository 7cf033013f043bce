//! Constraints that hold for new rows alone.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::on_fact;
use crate::{
    ident::{TableName, quote},
    inventory::Inventory,
    preflight::answer::{Answer, Bad},
};

/// One constraint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct NotValid {
    /// Its table.
    pub table: TableName,
    /// Its name.
    pub name: String,
}

pub(super) fn judge(inventory: &Inventory) -> Answer {
    on_fact(&inventory.server, &inventory.particulars.not_valid, "constraints", |found| {
        Answer::none_of(
            "none is NOT VALID",
            "NOT VALID, so rows may break them and then be refused on the target",
            "constraint",
            found.iter().map(|c| {
                Bad::of(&c.table, &[&c.name], format!("ALTER TABLE {} VALIDATE CONSTRAINT {}", c.table, quote(&c.name)))
            }),
            "Mend the rows that it complains of: ",
        )
    })
}
