//! Two-phase commit: transactions that are prepared now, and whether the target takes any.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::on_fact;
use crate::{
    ident::literal,
    inventory::Inventory,
    preflight::answer::{Answer, Bad, shown},
    verdict::Verdict,
};

/// What the server does with prepared transactions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct TwoPhase {
    /// `max_prepared_transactions`; 0 refuses them.
    pub max: i32,
    /// Those that wait, of all databases: a new slot waits for each.
    pub open: Vec<Prepared>,
}

/// One prepared transaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Prepared {
    /// Its name.
    pub gid: String,
    /// Where.
    pub database: String,
    /// Whose.
    pub owner: String,
    /// Since when, s.
    pub age_s: i64,
}

pub(super) fn none_open(inventory: &Inventory) -> Answer {
    on_fact(&inventory.server, &inventory.particulars.two_phase, "prepared transactions", |found| {
        let bad = found.open.iter().map(|p| Bad {
            object: format!("transaction {}", shown(&[&p.gid])),
            says: Some(format!("{} s, role {} in database {}", p.age_s, shown(&[&p.owner]), shown(&[&p.database]))),
            statement: format!("ROLLBACK PREPARED {}", literal(&p.gid)),
        });
        Answer::none_of(
            "none",
            "prepared and not committed: a new slot waits for it, and it cannot be committed on the other side",
            "transaction",
            bad,
            "Let its transaction manager end it; one that nobody remembers, in its own database: ",
        )
    })
}

pub(super) fn room(source: &Inventory, target: &Inventory) -> Answer {
    on_fact(&source.server, &source.particulars.two_phase, "prepared transactions of the source", |here| {
        on_fact(&target.server, &target.particulars.two_phase, "prepared transactions of the target", |there| {
            let seen = format!("max_prepared_transactions: source {}, target {}", here.max, there.max);
            if there.max >= here.max {
                return Verdict::pass(seen).into();
            }
            let raise = format!("ALTER SYSTEM SET max_prepared_transactions = {}, then restart the target.", here.max);
            Verdict::fail(seen, raise).into()
        })
    })
}
