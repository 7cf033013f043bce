//! From 18 on a server may end slots that nobody reads from.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::on_fact;
use crate::{inventory::Inventory, preflight::answer::Answer, verdict::Verdict};

/// The setting.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct SlotTimeout {
    /// `idle_replication_slot_timeout`, s; none where this version has no such setting, 0 where it is off.
    pub seconds: Option<i64>,
}

pub(super) fn judge(inventory: &Inventory) -> Answer {
    on_fact(&inventory.server, &inventory.particulars.slot_timeout, "settings of slots", |timeout| {
        match timeout.seconds {
            None => Verdict::pass("this version ends no slot for being idle"),
            Some(0) => Verdict::pass("idle_replication_slot_timeout = 0"),
            Some(s) => Verdict::fail(
                format!("idle_replication_slot_timeout = {s} s: a stream that stands still for so long is lost and has to be copied again"),
                "ALTER SYSTEM SET idle_replication_slot_timeout = 0; SELECT pg_reload_conf();",
            ),
        }
        .into()
    })
}
