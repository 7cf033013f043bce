//! What has to fit between the two sides.

use std::collections::{BTreeMap, HashMap};

use super::{TARGET_EMPTY, between, count, named, was_read};
use crate::{
    check::Check,
    ident::{TableName, literal, quote},
    inventory::{Column, Inventory, Table, TableKind},
    verdict::Verdict,
};

pub(super) fn checks(source: &Inventory, target: &Inventory) -> Vec<Check> {
    let check = |id, title, judge: fn(&Inventory, &Inventory) -> Verdict| {
        between(id, title, source, target, judge(source, target))
    };
    vec![
        check("pair.two_databases", "Source and target are two databases", two_databases),
        check("pair.version_order", "The target is not older than the source", version_order),
        check("pair.encoding", "Both sides have the same encoding", encoding),
        check("pair.collation", "Both sides sort alike", collation),
        check("target.extensions", "The target has the source's extensions", extensions),
        check(TARGET_EMPTY, "The target is empty, or has the same tables without rows", empty_or_equal),
    ]
}

fn two_databases(source: &Inventory, target: &Inventory) -> Verdict {
    let (s, t) = (&source.server, &target.server);
    if s.system_identifier.is_empty() || t.system_identifier.is_empty() {
        return Verdict::unknown("the identifier of a server was not read");
    }
    if s.system_identifier != t.system_identifier {
        return Verdict::pass(format!("servers {} and {}", s.system_identifier, t.system_identifier));
    }
    if s.database.is_empty() || t.database.is_empty() {
        return Verdict::unknown("the name of a database was not read");
    }
    if s.database != t.database {
        return Verdict::pass(format!("two databases on one server: {} and {}", s.database, t.database));
    }
    Verdict::fail(
        format!("both endpoints are database {} of server {}", s.database, s.system_identifier),
        "Choose another target. (A server cloned with pg_basebackup has its origin's identifier: make a new one with initdb.)",
    )
}

fn version_order(source: &Inventory, target: &Inventory) -> Verdict {
    let (s, t) = (&source.server, &target.server);
    if s.version_num == 0 || t.version_num == 0 {
        return Verdict::unknown("the version of a server was not read");
    }
    let seen = format!("source {}, target {}", s.version, t.version);
    if t.version_num / 10_000 >= s.version_num / 10_000 {
        return Verdict::pass(seen);
    }
    Verdict::fail(seen, "Choose a target of the same or a newer major version: a dump is not made for older ones.")
}

fn encoding(source: &Inventory, target: &Inventory) -> Verdict {
    let (s, t) = (&source.server, &target.server);
    if s.encoding.is_empty() || t.encoding.is_empty() {
        return Verdict::unknown("the encoding of a side was not read");
    }
    if s.encoding == t.encoding {
        return Verdict::pass(s.encoding.clone());
    }
    Verdict::fail(
        format!("source {}, target {}", s.encoding, t.encoding),
        format!(
            "Make the target anew: CREATE DATABASE {} ENCODING {} TEMPLATE template0.",
            quote(&t.database),
            literal(&s.encoding)
        ),
    )
}

fn collation(source: &Inventory, target: &Inventory) -> Verdict {
    let (s, t) = (&source.server, &target.server);
    if s.collation.is_empty() || t.collation.is_empty() {
        return Verdict::unknown("the collation of a side was not read");
    }
    if spelled_alike(&s.collation) == spelled_alike(&t.collation) {
        return Verdict::pass(s.collation.clone());
    }
    Verdict::fail(
        format!("source {}, target {}: ORDER BY and ranges of text give other results", s.collation, t.collation),
        format!(
            "Make the target anew with the source's locale: CREATE DATABASE {} … TEMPLATE template0.",
            quote(&t.database)
        ),
    )
}

/// `en_US.utf8` and `en_US.UTF-8` are one locale.
fn spelled_alike(collation: &str) -> String {
    collation.to_lowercase().replace('-', "")
}

fn extensions(source: &Inventory, target: &Inventory) -> Verdict {
    // plpgsql is everywhere: a list without anything was not read.
    if target.available_extensions.is_empty() && target.extensions.is_empty() {
        return Verdict::unknown("the target's list of available extensions was not read");
    }
    if !was_read(&source.server) {
        return Verdict::unknown("the source's extensions were not read");
    }
    let there =
        |name: &String| target.available_extensions.contains(name) || target.extensions.iter().any(|e| e.name == *name);
    let missing: Vec<&str> = source.extensions.iter().filter(|e| !there(&e.name)).map(|e| e.name.as_str()).collect();
    if missing.is_empty() {
        let names: Vec<&str> = source.extensions.iter().map(|e| e.name.as_str()).collect();
        return Verdict::pass(format!("{}: {}", count(names.len(), "extension"), names.join(", ")));
    }
    Verdict::fail(
        format!("absent on the target: {}", missing.join(", ")),
        format!(
            "Install the packages of {} on the target's host, or drop them on the source if unused.",
            missing.join(", ")
        ),
    )
}

fn empty_or_equal(source: &Inventory, target: &Inventory) -> Verdict {
    if !was_read(&source.server) || !was_read(&target.server) {
        return Verdict::unknown("the tables of a side were not read");
    }
    if source.tables.is_empty() {
        return Verdict::unknown("the source has no tables to compare with");
    }
    let there: HashMap<&TableName, &Table> = target.tables.iter().map(|t| (&t.name, t)).collect();
    let ours = || source.tables.iter().filter(|t| t.kind != TableKind::Foreign);
    let (found, missing): (Vec<&Table>, Vec<&Table>) = ours().partition(|t| there.contains_key(&t.name));
    if found.is_empty() {
        return Verdict::pass(format!("none of the source's {} is there", count(missing.len(), "table")));
    }
    let mut wrong: Vec<String> = Vec::new();
    for table in &found {
        let Some(other) = there.get(&table.name) else { continue };
        wrong.extend(differences(table, other));
        if other.kind == TableKind::Ordinary && other.estimated_rows != 0 {
            wrong.push(format!("{} is not empty", table.name.plain()));
        }
    }
    wrong.extend(missing.iter().map(|t| format!("{} is missing", t.name.plain())));
    if wrong.is_empty() {
        return Verdict::pass(format!("the same {}, without rows", count(found.len(), "table")));
    }
    Verdict::fail(
        format!("the target has some of the source's tables, but: {}", named(&wrong)),
        "Use an empty database as target, or make its tables equal to the source's and TRUNCATE them.",
    )
}

/// What a table has otherwise on the target, each a clause.
fn differences(here: &Table, there: &Table) -> Vec<String> {
    let name = here.name.plain();
    let mut out = Vec::new();
    if here.kind != there.kind {
        out.push(format!("{name} is another kind of table"));
    }
    let described =
        |t: &Table| -> BTreeMap<String, String> { t.columns.iter().map(|c| (c.name.clone(), describe(c))).collect() };
    let (a, b) = (described(here), described(there));
    for (column, is) in &a {
        match b.get(column) {
            None => out.push(format!("{name} lacks column {column}")),
            Some(other) if other != is => out.push(format!("{name}.{column} is {other} instead of {is}")),
            Some(_) => {}
        }
    }
    out.extend(b.keys().filter(|c| !a.contains_key(*c)).map(|c| format!("{name} has a column {c} of its own")));
    out
}

fn describe(column: &Column) -> String {
    let not_null = if column.not_null { " NOT NULL" } else { "" };
    let generated = if column.generated { " GENERATED" } else { "" };
    format!("{}{not_null}{generated}", column.sql_type)
}
