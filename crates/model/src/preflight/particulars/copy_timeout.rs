//! The session that reads a table for its copy is a login of our role like any other, with a limit on its statements.

use super::{Setting, on_fact};
use crate::{ident::quote, inventory::Inventory, preflight::answer::Answer, verdict::Verdict};

const NAME: &str = "statement_timeout";

pub(super) fn judge(source: &Inventory) -> Answer {
    let (server, seen) = (&source.server, &source.particulars);
    on_fact(server, &seen.settings, "settings of the database and its roles", |settings| {
        match outranking(settings, &server.role) {
            Some(value) => told(source, value),
            None => on_fact(server, &seen.time_zone, "the server's configuration", |files| {
                told(source, files.statement_timeout.as_deref().unwrap_or("0"))
            }),
        }
    })
}

/// What counts for a login of this role: its own in this database, its own, the database's.
fn outranking<'a>(settings: &'a [Setting], role: &str) -> Option<&'a str> {
    let ours = |s: &&Setting| s.name == NAME && s.role.as_deref().is_none_or(|r| r == role);
    let rank = |s: &&Setting| (s.role.is_some(), s.database.is_some());
    settings.iter().filter(ours).max_by_key(rank).map(|s| s.value.as_str())
}

fn told(source: &Inventory, value: &str) -> Answer {
    if value.trim_start_matches('0').chars().next().is_none_or(|c| !c.is_ascii_digit()) {
        return Verdict::pass("statement_timeout = 0 for our role").into();
    }
    let (role, database) = (quote(&source.server.role), quote(&source.server.database));
    Verdict::fail(
        format!("statement_timeout = {value} for our role: the copy of a table that takes longer is broken off and begun anew"),
        format!("ALTER ROLE {role} IN DATABASE {database} SET statement_timeout = 0;"),
    )
    .into()
}
