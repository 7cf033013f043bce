//! Transactions that wrote and are still open: a new slot waits for their end, and so does the fence.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::on_fact;
use crate::{
    ident::quote,
    inventory::{Inventory, ServerFacts},
    preflight::answer::{Answer, Bad, shown},
    verdict::Verdict,
};

/// From which age on a transaction is long, s: the fence waits for writers no longer than the hold's usual deadline.
pub const LONG_S: i64 = 5;

/// What other sessions do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Sessions {
    /// Whether our role sees them all.
    pub sees_all: bool,
    /// Those of all databases whose transaction wrote and is older than [`LONG_S`].
    pub long: Vec<Transaction>,
}

/// One open transaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Transaction {
    /// Its session.
    pub pid: i32,
    /// Where.
    pub database: String,
    /// Whose.
    pub role: String,
    /// What the session calls itself.
    pub application: String,
    /// Age, s.
    pub age_s: i64,
}

const ROLE_NEEDED: &str = "only a member of pg_read_all_stats sees other sessions";

fn grant(server: &ServerFacts) -> String {
    format!("GRANT pg_monitor TO {}.", quote(&server.role))
}

pub(super) fn judge(inventory: &Inventory) -> Answer {
    on_fact(&inventory.server, &inventory.particulars.sessions, "sessions", |sessions| {
        let bad: Vec<Bad> = sessions
            .long
            .iter()
            .map(|t| Bad {
                object: format!("session {}", t.pid),
                says: Some(format!(
                    "{} s, role {} in database {}, application {}",
                    t.age_s,
                    shown(&[&t.role]),
                    shown(&[&t.database]),
                    shown(&[&t.application])
                )),
                statement: format!("SELECT pg_terminate_backend({})", t.pid),
            })
            .collect();
        if bad.is_empty() && !sessions.sees_all {
            return Verdict::unknown(format!("{ROLE_NEEDED}: {}", grant(&inventory.server).trim_end_matches('.')))
                .into();
        }
        Answer::told(
            format!("none that wrote is older than {LONG_S} s"),
            format!("a transaction that wrote is open for more than {LONG_S} s"),
            bad,
            "Let it end, or end it: ",
        )
    })
}

pub(super) fn sees_all(inventory: &Inventory) -> Answer {
    on_fact(&inventory.server, &inventory.particulars.sessions, "sessions", |sessions| {
        if sessions.sees_all {
            return Verdict::pass(format!("role {} sees them", inventory.server.role)).into();
        }
        Verdict::fail(ROLE_NEEDED, grant(&inventory.server)).into()
    })
}
