//! Partitions: each is published and subscribed by itself, so each has to be in its tree or out of it.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::on_fact;
use crate::{
    ident::TableName,
    inventory::{Inventory, TableKind},
    preflight::{
        answer::{Answer, Bad},
        count,
    },
};

/// A partition of which DETACH CONCURRENTLY broke off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct PendingDetach {
    /// The tree's table.
    pub table: TableName,
    /// The partition.
    pub partition: TableName,
}

pub(super) fn judge(inventory: &Inventory) -> Answer {
    let roots = inventory.tables.iter().filter(|t| t.kind == TableKind::Partitioned).count();
    let leaves = inventory.leaves().filter(|t| t.partition_of.is_some()).count();
    let good = match roots {
        0 => "no table is partitioned".to_owned(),
        n => format!(
            "{} in {}, each published by itself (publish_via_partition_root = false); one that is made later is on one side only",
            count(leaves, "partition"),
            count(n, "partitioned table"),
        ),
    };
    on_fact(&inventory.server, &inventory.particulars.pending_detaches, "partitions", |found| {
        Answer::none_of(
            &good,
            "half detached: its tree no longer shows its rows, and it is still published with it",
            "partition",
            found.iter().map(|p| {
                let statement = format!("ALTER TABLE {} DETACH PARTITION {} FINALIZE", p.table, p.partition);
                Bad::of(&p.partition, &[], statement)
            }),
            "",
        )
    })
}
