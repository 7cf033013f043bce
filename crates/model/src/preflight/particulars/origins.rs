//! Replication origins: what a subscription keeps its position under.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::on_fact;
use crate::{Side, inventory::Inventory, preflight::answer::Answer, verdict::Verdict};

/// How many there are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Origins {
    /// How many can have a position.
    pub max: i32,
    /// How many were made.
    pub used: i32,
    /// The setting that says so on this version.
    pub setting: String,
}

/// One for the apply worker, and on the target one for a table that is copied.
fn needed(side: Side) -> i32 {
    match side {
        Side::Source => 1,
        Side::Target => 2,
    }
}

pub(super) fn judge(side: Side, inventory: &Inventory) -> Answer {
    on_fact(&inventory.server, &inventory.particulars.origins, "replication origins", |o| {
        let (free, needed) = ((o.max - o.used).max(0), needed(side));
        let seen = format!("{free} of {} replication origins free, {needed} needed", o.max);
        if free >= needed {
            return Verdict::pass(seen).into();
        }
        let raise = format!("ALTER SYSTEM SET {} = {} or more, then restart the server.", o.setting, o.used + needed);
        Verdict::fail(seen, raise).into()
    })
}
