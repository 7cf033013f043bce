//! What our role must be allowed on each side.

use super::{count, if_read, named, on};
use crate::{
    Side,
    check::Check,
    ident::quote,
    inventory::{Inventory, ServerFacts},
    verdict::Verdict,
};

pub(super) fn checks(side: Side, inventory: &Inventory) -> Vec<Check> {
    let facts = &inventory.server;
    let check = |name, title: String, judge: fn(&ServerFacts) -> Verdict| {
        on(side, name, title, inventory, if_read(facts, || judge(facts)))
    };
    vec![
        check("role_replication", format!("Our role may replicate from the {side}"), replication),
        check("role_create", format!("Our role may create objects on the {side}"), create),
        check("role_owner", format!("Our role owns the tables on the {side}"), owner),
        check("role_subscribe", format!("Our role may subscribe on the {side}"), subscribe),
    ]
}

fn replication(facts: &ServerFacts) -> Verdict {
    allowed(facts, facts.has_replication, "lacks REPLICATION", format!("ALTER ROLE {} REPLICATION", quote(&facts.role)))
}

fn create(facts: &ServerFacts) -> Verdict {
    let grant = format!("GRANT CREATE ON DATABASE {} TO {}", quote(&facts.database), quote(&facts.role));
    allowed(facts, facts.can_create_in_database, "may not create schemas and publications", grant)
}

fn subscribe(facts: &ServerFacts) -> Verdict {
    let grant = if facts.version_num >= 160_000 {
        format!("GRANT pg_create_subscription TO {}", quote(&facts.role))
    } else {
        format!("ALTER ROLE {} SUPERUSER (before PostgreSQL 16 only superusers may subscribe)", quote(&facts.role))
    };
    allowed(facts, facts.can_subscribe, "may not create subscriptions", grant)
}

fn owner(facts: &ServerFacts) -> Verdict {
    if facts.role.is_empty() {
        return Verdict::unknown("our role was not read");
    }
    if facts.tables_not_owned.is_empty() {
        return Verdict::pass(format!("role {} owns every table and sequence, or is a superuser", facts.role));
    }
    Verdict::fail(
        format!(
            "role {} does not own {}: {}",
            facts.role,
            count(facts.tables_not_owned.len(), "object"),
            named(&facts.tables_not_owned)
        ),
        format!("GRANT the owning role TO {}, or use the owner or a superuser for this endpoint.", quote(&facts.role)),
    )
}

fn allowed(facts: &ServerFacts, may: bool, lacks: &str, statement: String) -> Verdict {
    if facts.role.is_empty() {
        return Verdict::unknown("our role was not read");
    }
    if facts.is_superuser {
        return Verdict::pass(format!("role {} is a superuser", facts.role));
    }
    if may {
        return Verdict::pass(format!("role {} may", facts.role));
    }
    Verdict::fail(format!("role {} {lacks}", facts.role), format!("{statement}."))
}
