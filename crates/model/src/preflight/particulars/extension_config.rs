//! Tables of extensions in which their users keep rows: they come with the extension, their rows do not.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::on_fact;
use crate::{
    ident::TableName,
    inventory::Inventory,
    preflight::answer::{Answer, Bad, shown},
};

/// One such table that holds rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ConfigTable {
    /// Its extension.
    pub extension: String,
    /// The table.
    pub table: TableName,
}

pub(super) fn judge(source: &Inventory, target: &Inventory) -> Answer {
    let what = "tables of extensions";
    on_fact(&source.server, &source.particulars.config_tables, what, |here| {
        on_fact(&target.server, &target.particulars.config_tables, what, |there| {
            let absent = here.iter().filter(|c| !there.iter().any(|t| t.table == c.table));
            let bad = absent.map(|c| Bad {
                says: Some(format!("of extension {}", shown(&[&c.extension]))),
                ..Bad::of(&c.table, &[], format!("COPY {} FROM STDIN", c.table))
            });
            Answer::none_of(
                "no extension keeps rows of yours that the target lacks",
                "of extensions with rows, which are neither dumped nor replicated",
                "table",
                bad,
                "Once the extension is on the target, copy what COPY … TO STDOUT gives on the source: ",
            )
        })
    })
}
