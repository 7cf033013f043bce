//! Settings of the server, the database or a role under which sessions do not do what the move relies on.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::on_fact;
use crate::{
    ident::{literal, quote},
    inventory::Inventory,
    preflight::answer::{Answer, Bad, shown},
};

/// One setting that somebody set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Setting {
    /// The database it is set on; none with no role either is the server.
    pub database: Option<String>,
    /// The role it is set on.
    pub role: Option<String>,
    /// Its name, in lower case.
    pub name: String,
    /// Its value.
    pub value: String,
}

impl Setting {
    fn object(&self) -> String {
        match (&self.role, &self.database) {
            (None, None) => "server".to_owned(),
            (None, Some(d)) => format!("database {}", shown(&[d])),
            (Some(r), None) => format!("role {}", shown(&[r])),
            (Some(r), Some(d)) => format!("role {} in database {}", shown(&[r]), shown(&[d])),
        }
    }

    /// The configuration file may set it, and then only another value outranks it.
    fn reset(&self, usual: &str) -> String {
        let name = &self.name;
        match (&self.role, &self.database) {
            (None, None) => format!("ALTER SYSTEM SET {name} = {}; SELECT pg_reload_conf()", literal(usual)),
            (None, Some(d)) => format!("ALTER DATABASE {} RESET {name}", quote(d)),
            (Some(r), None) => format!("ALTER ROLE {} RESET {name}", quote(r)),
            (Some(r), Some(d)) => format!("ALTER ROLE {} IN DATABASE {} RESET {name}", quote(r), quote(d)),
        }
    }
}

pub(super) fn replication_role(inventory: &Inventory) -> Answer {
    unusual(
        inventory,
        "session_replication_role",
        "origin",
        "is set to something else than origin, so triggers, the fence among them, do not fire",
    )
}

pub(super) fn read_only_default(inventory: &Inventory) -> Answer {
    unusual(inventory, "default_transaction_read_only", "off", "is on, so writes are refused")
}

fn unusual(inventory: &Inventory, name: &str, usual: &str, is: &str) -> Answer {
    on_fact(&inventory.server, &inventory.particulars.settings, "settings of the database and its roles", |settings| {
        let bad = settings.iter().filter(|s| s.name == name && s.value != usual).map(|s| Bad {
            object: s.object(),
            says: Some(s.value.clone()),
            statement: s.reset(usual),
        });
        let good = format!("{name} = {usual} for the server, the database and every role");
        Answer::told(good, format!("{name} {is}"), bad.collect(), "")
    })
}

/// What the database itself is set to.
pub(super) fn of_database<'a>(settings: &'a [Setting], name: &str) -> Option<&'a str> {
    settings.iter().find(|s| s.role.is_none() && s.database.is_some() && s.name == name).map(|s| s.value.as_str())
}
