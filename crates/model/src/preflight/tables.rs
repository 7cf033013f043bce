//! What the source's tables must be, so that every change to them can be carried and every row found again.

use super::{
    answer::{Answer, shown},
    count, named, on,
};
use crate::{
    Side,
    check::Check,
    inventory::{Inventory, ReplicaIdentity, Table, TableKind},
    verdict::Verdict,
};

/// Types whose values PostgreSQL cannot compare; a row that is named by all its values must not hold one.
const NO_EQUALITY: [&str; 9] = ["json", "xml", "point", "lseg", "line", "box", "path", "polygon", "circle"];

pub(super) fn checks(source: &Inventory) -> Vec<Check> {
    let check = |name, title, answer: Answer| on(Side::Source, name, title, source, answer);
    vec![
        check("replica_identity", "Every table has a replica identity", replica_identity(source)),
        check("identity_full", "Rows named by all their values can be compared", identity_full(source)),
        check("unlogged", "No table is unlogged", unlogged(source)),
        check("foreign_tables", "No rows are in foreign tables", foreign(source)),
        check("large_objects", "There are no large objects", large_objects(source).into()),
        check("sequences", "Sequences are known and will be moved on at the switch", sequences(source).into()),
        check("generated_columns", "Generated columns are known", generated(source).into()),
    ]
}

/// The verdict on a list of offending tables; without any table at all nothing was proven.
fn none_of(source: &Inventory, bad: &[&Table], good: String, is: &str, remedy: impl FnOnce() -> String) -> Answer {
    if source.tables.is_empty() {
        return Verdict::unknown("no table was found in this database: is it the right one?").into();
    }
    if bad.is_empty() {
        return Verdict::pass(good).into();
    }
    let names: Vec<String> = bad.iter().map(|t| t.name.plain()).collect();
    let why = format!("{} {is}: {}", count(bad.len(), "table"), named(&names));
    Answer { verdict: Verdict::fail(why, remedy()), objects: objects(bad) }
}

fn objects(tables: &[&Table]) -> Vec<String> {
    tables.iter().map(|t| shown(&[&t.name.schema, &t.name.name])).collect()
}

fn each(tables: &[&Table], statement: impl Fn(&Table) -> String) -> String {
    tables.iter().map(|t| format!("{};", statement(t))).collect::<Vec<_>>().join(" ")
}

fn replica_identity(source: &Inventory) -> Answer {
    // What counts is the relation that holds the row: for a partitioned table each of its partitions.
    let bad: Vec<&Table> = source.leaves().filter(|t| !t.can_publish_changes()).collect();
    let full = source.leaves().filter(|t| t.replica_identity == ReplicaIdentity::Full).count();
    let mut good = format!("all {} have one", count(source.leaves().count(), "table"));
    if full > 0 {
        good.push_str(&format!(
            "; {} by all values (FULL), which makes their updates slow to apply",
            count(full, "table")
        ));
    }
    none_of(source, &bad, good, "cannot publish UPDATE and DELETE", || {
        let statements = each(&bad, |t| format!("ALTER TABLE {} REPLICA IDENTITY FULL", t.name));
        format!(
            "Add a primary key, or REPLICA IDENTITY USING INDEX with a unique index over NOT NULL columns, or: {statements}"
        )
    })
}

fn identity_full(source: &Inventory) -> Answer {
    let incomparable = |t: &&Table| {
        t.replica_identity == ReplicaIdentity::Full
            && t.columns.iter().any(|c| NO_EQUALITY.contains(&c.base_type.trim_start_matches('_')))
    };
    let bad: Vec<&Table> = source.leaves().filter(incomparable).collect();
    let good = "no table with REPLICA IDENTITY FULL has a json, xml or geometric column".to_owned();
    none_of(source, &bad, good, "hold json, xml or geometric values under REPLICA IDENTITY FULL", || {
        "Their updates cannot be applied, for such values cannot be compared: add a primary key and set REPLICA IDENTITY \
         DEFAULT, or make the json column jsonb."
            .to_owned()
    })
}

fn unlogged(source: &Inventory) -> Answer {
    let bad: Vec<&Table> = source.leaves().filter(|t| t.unlogged).collect();
    none_of(source, &bad, "every table is in the WAL".to_owned(), "unlogged, so their rows are in no WAL", || {
        each(&bad, |t| format!("ALTER TABLE {} SET LOGGED", t.name))
    })
}

fn foreign(source: &Inventory) -> Answer {
    let foreign: Vec<&Table> = source.tables.iter().filter(|t| t.kind == TableKind::Foreign).collect();
    if source.tables.is_empty() {
        return Verdict::unknown("no table was found in this database: is it the right one?").into();
    }
    if foreign.is_empty() {
        return Verdict::pass("none").into();
    }
    let names: Vec<String> = foreign.iter().map(|t| t.name.plain()).collect();
    let missing = format!(
        "whether the target reaches the servers behind {}: {}; their rows are not replicated",
        count(foreign.len(), "foreign table"),
        names.join(", ")
    );
    Answer { verdict: Verdict::unknown(missing), objects: objects(&foreign) }
}

fn large_objects(source: &Inventory) -> Verdict {
    match source.large_objects {
        0 => Verdict::pass("none"),
        n if n < 0 => Verdict::unknown("large objects were not counted"),
        n => Verdict::fail(
            format!("{n} large objects, which logical replication does not carry"),
            "Move them to bytea columns (lo_get gives their bytes), or remove orphans with vacuumlo.",
        ),
    }
}

fn sequences(source: &Inventory) -> Verdict {
    // Reading them all or none, an empty list is what an empty database gives, and then there are no tables either.
    if source.tables.is_empty() && source.sequences.is_empty() {
        return Verdict::unknown("neither tables nor sequences were found in this database");
    }
    let down = source.sequences.iter().filter(|s| s.increment < 0).count();
    let more = if down > 0 { format!(", {down} of them descending") } else { String::new() };
    Verdict::pass(format!(
        "{}{more}; replication does not carry them, the switch does",
        count(source.sequences.len(), "sequence")
    ))
}

fn generated(source: &Inventory) -> Verdict {
    if source.tables.is_empty() {
        return Verdict::unknown("no table was found in this database: is it the right one?");
    }
    let n = source.tables.iter().flat_map(|t| &t.columns).filter(|c| c.generated).count();
    Verdict::pass(match n {
        0 => "none".to_owned(),
        n => format!("{}: each side computes them itself, and validation compares them", count(n, "generated column")),
    })
}
