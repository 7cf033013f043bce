//! A target without statistics plans badly; it matters once it holds rows.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::on_fact;
use crate::{
    ident::TableName,
    inventory::Inventory,
    preflight::{
        answer::{Answer, Bad},
        count,
    },
    verdict::Verdict,
};

/// A table that holds rows and has no statistics.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Unanalysed {
    /// Which.
    pub table: TableName,
    /// Whether our role may not see its statistics, so that it may have some.
    pub hidden: bool,
}

pub(super) fn judge(target: &Inventory) -> Answer {
    on_fact(&target.server, &target.particulars.unanalysed, "statistics", |found| {
        let bad: Vec<Bad> = found
            .iter()
            .filter(|u| !u.hidden)
            .map(|u| Bad::of(&u.table, &[], format!("ANALYZE {}", u.table)))
            .collect();
        let hidden = found.iter().filter(|u| u.hidden).count();
        if bad.is_empty() && hidden > 0 {
            let many = count(hidden, "table");
            return Verdict::unknown(format!(
                "whether {many} with rows are analysed: our role may not SELECT from them"
            ))
            .into();
        }
        let good = "every table that holds rows has statistics";
        Answer::none_of(good, "with rows, and without statistics", "table", bad.into_iter(), "")
    })
}
