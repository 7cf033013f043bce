//! An applied TRUNCATE does not cascade: it fails on a table that one outside the stream refers to.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::on_fact;
use crate::{
    ident::{TableName, quote},
    inventory::Inventory,
    preflight::answer::{Answer, Bad, shown},
    preflight::was_read,
    verdict::Verdict,
};

/// One foreign key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ForeignKey {
    /// Its table.
    pub table: TableName,
    /// Its name.
    pub name: String,
    /// What it refers to.
    pub references: TableName,
}

pub(super) fn judge(source: &Inventory, target: &Inventory) -> Answer {
    if !was_read(&source.server) || source.tables.is_empty() {
        return Verdict::unknown("no table of the source was read").into();
    }
    let ours: HashSet<&TableName> = source.tables.iter().map(|t| &t.name).collect();
    on_fact(&target.server, &target.particulars.foreign_keys, "foreign keys", |keys| {
        let bad = keys.iter().filter(|k| ours.contains(&k.references) && !ours.contains(&k.table)).map(|k| Bad {
            says: Some(format!("refers to {}", shown(&[&k.references.schema, &k.references.name]))),
            ..Bad::of(&k.table, &[&k.name], format!("ALTER TABLE {} DROP CONSTRAINT {}", k.table, quote(&k.name)))
        });
        Answer::none_of(
            "no foreign key comes from a table that is not replicated",
            "from tables that are not replicated: a TRUNCATE cannot be applied, and a DELETE leaves them dangling",
            "foreign key",
            bad,
            "",
        )
    })
}
