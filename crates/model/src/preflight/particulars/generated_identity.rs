//! Generated columns are not published, so they cannot name a row.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::on_fact;
use crate::{
    ident::TableName,
    inventory::Inventory,
    preflight::answer::{Answer, Bad},
};

/// One table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct GeneratedIdentity {
    /// Which.
    pub table: TableName,
    /// Whether all its values name a row (FULL), and not a key.
    pub full: bool,
}

/// From 18 on the server refuses UPDATE and DELETE on a published table with REPLICA IDENTITY FULL and a generated column;
/// before, such a column is only left out.
const REFUSES_FULL: i32 = 180_000;

/// The way back publishes the same tables from the target, so a target that refuses counts like a source that does.
pub(super) fn judge(source: &Inventory, target: &Inventory) -> Answer {
    let refuses = source.server.version_num.max(target.server.version_num) >= REFUSES_FULL;
    on_fact(&source.server, &source.particulars.generated_identities, "replica identities", |found| {
        let bad = found.iter().filter(|g| !g.full || refuses).map(|g| {
            let statement = format!("ALTER TABLE {} REPLICA IDENTITY USING INDEX …", g.table);
            let says = if g.full { "REPLICA IDENTITY FULL" } else { "its key" };
            Bad { says: Some(says.to_owned()), ..Bad::of(&g.table, &[], statement) }
        });
        Answer::none_of(
            "none",
            "named by a generated column, which is not published",
            "table",
            bad,
            "Make a unique index over plain NOT NULL columns the identity: ",
        )
    })
}
