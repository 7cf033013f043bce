//! What our role may with tables, schemas and owners, beyond what a login shows.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::on_fact;
use crate::{
    ident::{TableName, quote},
    inventory::Inventory,
    preflight::answer::{Answer, Bad, shown},
};

/// What it lacks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Access {
    /// Owners of tables that it is a member of and may not SET ROLE to; from 16 on the two differ.
    pub no_set: Vec<String>,
    /// Schemas that it may not use.
    pub no_usage: Vec<String>,
    /// Tables whose policies apply to it.
    pub policed: Vec<TableName>,
}

pub(super) fn set_role(inventory: &Inventory) -> Answer {
    let role = &inventory.server.role;
    on_access(inventory, "rights", |access| {
        let bad = access.no_set.iter().map(|owner| Bad {
            object: format!("role {}", shown(&[owner])),
            says: None,
            statement: format!("GRANT {} TO {} WITH SET TRUE", quote(owner), quote(role)),
        });
        let lead = format!("role {} may not SET ROLE to the owner of tables, as whom rows are applied", shown(&[role]));
        Answer::told("it may become every owner that it is a member of".to_owned(), lead, bad.collect(), "")
    })
}

pub(super) fn schemas(inventory: &Inventory) -> Answer {
    let role = &inventory.server.role;
    on_access(inventory, "rights", |access| {
        let bad = access.no_usage.iter().map(|schema| Bad {
            object: format!("schema {}", shown(&[schema])),
            says: None,
            statement: format!("GRANT USAGE ON SCHEMA {} TO {}", quote(schema), quote(role)),
        });
        let lead = format!("role {} may not use schemas that hold tables", shown(&[role]));
        Answer::told("it may use every schema with tables".to_owned(), lead, bad.collect(), "")
    })
}

pub(super) fn rows(inventory: &Inventory) -> Answer {
    let role = &inventory.server.role;
    on_access(inventory, "row security", |access| {
        let statement = format!("ALTER ROLE {} BYPASSRLS", quote(role));
        let bad = access.policed.iter().map(|t| Bad::of(t, &[], statement.clone()));
        let lead = format!("row security hides rows from role {} or refuses its writes", shown(&[role]));
        Answer::told("no policy applies to it".to_owned(), lead, bad.collect(), "")
    })
}

fn on_access(inventory: &Inventory, what: &str, judge: impl FnOnce(&Access) -> Answer) -> Answer {
    on_fact(&inventory.server, &inventory.particulars.access, what, judge)
}
