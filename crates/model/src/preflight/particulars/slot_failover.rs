//! Standbys: who promotes one loses every logical slot that was not carried over.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::on_fact;
use crate::{
    inventory::Inventory,
    preflight::answer::{Answer, Bad, shown},
    verdict::Verdict,
};

/// Standbys of this server.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Standbys {
    /// Its physical slots.
    pub slots: Vec<String>,
    /// Senders that serve no logical slot, and so standbys or backups.
    pub senders: i32,
    /// `synchronized_standby_slots`, from 17 on.
    pub synchronized: Option<String>,
}

pub(super) fn judge(inventory: &Inventory) -> Answer {
    on_fact(&inventory.server, &inventory.particulars.standbys, "standbys", |s| {
        if s.slots.is_empty() && s.senders == 0 {
            return Verdict::pass("this server has no standby").into();
        }
        match s.synchronized.as_deref() {
            Some(set) if !set.is_empty() => Verdict::pass(format!(
                "synchronized_standby_slots = {set}; a slot survives where the standby has sync_replication_slots = on and \
                 the subscription failover = true"
            ))
            .into(),
            Some(_) => carried(s),
            None => before_17(s),
        }
    })
}

fn carried(s: &Standbys) -> Answer {
    let all = s.slots.join(", ");
    let remedy = if s.slots.is_empty() {
        "Give the standby a physical slot (primary_slot_name), and name it in synchronized_standby_slots; on the standby \
         set sync_replication_slots = on."
            .to_owned()
    } else {
        format!(
            "ALTER SYSTEM SET synchronized_standby_slots = {}; SELECT pg_reload_conf(); and on the standby \
             sync_replication_slots = on.",
            crate::ident::literal(&all)
        )
    };
    Answer { verdict: Verdict::fail(seen(s), remedy), objects: objects(s) }
}

/// Nothing carries a slot over, so what mends it is that there is nothing to fail over to.
fn before_17(s: &Standbys) -> Answer {
    let bad: Vec<Bad> = s
        .slots
        .iter()
        .map(|slot| Bad {
            object: format!("slot {}", shown(&[slot])),
            says: None,
            statement: format!("SELECT pg_drop_replication_slot({})", crate::ident::literal(slot)),
        })
        .collect();
    let before = "Before PostgreSQL 17 no slot survives a failover: do not promote a standby during the move, or the stream \
                  has to be made anew. A slot of a standby that is gone: ";
    let remedy = if bad.is_empty() {
        before.split(" A slot").next().unwrap_or(before).to_owned()
    } else {
        format!("{before}{}", bad.iter().map(|b| format!("{};", b.statement)).collect::<Vec<_>>().join(" "))
    };
    Answer { verdict: Verdict::fail(seen(s), remedy), objects: objects(s) }
}

fn objects(s: &Standbys) -> Vec<String> {
    s.slots.iter().map(|slot| format!("slot {}", shown(&[slot]))).collect()
}

fn seen(s: &Standbys) -> String {
    let slots = if s.slots.is_empty() { String::new() } else { format!(" with slots {}", s.slots.join(", ")) };
    format!("this server has standbys{slots}, and none of them takes over a logical slot when it is promoted")
}
