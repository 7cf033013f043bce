//! Rules of the comparison that need no server.

use super::*;
use crate::schema::{
    Inventory, Kind, Severity, Unseen,
    column::Column,
    database::Database,
    extension::Extension,
    item::Head,
    table::{Form, Table},
};

fn head(path: &[&str]) -> Head {
    Head { name: path.iter().map(|p| (*p).to_owned()).collect(), ..Head::default() }
}

fn table(name: &str) -> Table {
    Table {
        head: head(&["public", name]),
        form: Form::Ordinary,
        unlogged: false,
        partition_key: None,
        partition_of: None,
        bound: None,
        inherits: Vec::new(),
        options: Vec::new(),
        toast_options: Vec::new(),
        tablespace: None,
        access_method: Some("heap".into()),
        replica_identity: "DEFAULT".into(),
        row_security: false,
        forced_row_security: false,
        of_type: None,
        server: None,
        server_options: Vec::new(),
    }
}

fn column(table: &str, name: &str) -> Column {
    Column {
        head: head(&["public", table, name]),
        sql_type: "text".into(),
        collation: None,
        default: None,
        not_null: false,
        identity: None,
        generated: None,
        generated_how: None,
        storage: None,
        usual_storage: "EXTENDED".into(),
        compression: None,
        statistics: None,
        options: Vec::new(),
        server_options: Vec::new(),
        inherited_from: Vec::new(),
        local: true,
        foreign: false,
    }
}

fn database(collation_version: &str) -> Database {
    Database {
        head: head(&["shop"]),
        encoding: "UTF8".into(),
        locale: "libc, LC_COLLATE C, LC_CTYPE C".into(),
        collation_version: Some(collation_version.into()),
        time_zone: Some("UTC".into()),
        tablespace: "pg_default".into(),
        connections: -1,
        bytes: None,
    }
}

fn extension(version: &str) -> Extension {
    Extension { head: head(&["hstore"]), version: version.into(), schema: "public".into(), relocatable: true }
}

#[test]
fn a_kind_that_was_not_read_is_not_missing() {
    let full = Inventory { tables: vec![table("t")], columns: vec![column("t", "a")], ..Inventory::default() };
    let unseen = |kind| Unseen { object: "tables".into(), kind: Some(kind), why: "Refused.".into() };
    let blind = Inventory { unseen: vec![unseen(Kind::Table), unseen(Kind::Column)], ..Inventory::default() };
    for (source, target) in [(&full, &blind), (&blind, &full)] {
        let found = difference(source, target);
        assert_eq!(found.differences, [], "nothing is known of it");
        assert_eq!(found.unseen.len(), 2, "and that is told");
        assert!(found.unseen[0].why.starts_with("On the "), "with the side: {:?}", found.unseen);
    }
    let half = Inventory { unseen: vec![unseen(Kind::Table)], ..Inventory::default() };
    let found = difference(&full, &half);
    assert_eq!(found.differences.len(), 1, "its columns were read, and are missing whatever their table is");
}

#[test]
fn a_missing_table_does_not_list_its_columns_and_brings_them() {
    let full = Inventory {
        tables: vec![table("t")],
        columns: vec![column("t", "a"), column("t", "b")],
        ..Inventory::default()
    };
    let found = difference(&full, &Inventory::default());
    assert_eq!(found.differences.len(), 1);
    let row = &found.differences[0];
    assert_eq!((row.object.as_str(), row.what.as_str(), row.severity), ("public.t", "missing", Severity::Blocks));
    assert_eq!(row.sql.as_deref(), Some("CREATE TABLE \"public\".\"t\" (\"a\" text, \"b\" text) USING \"heap\";"));
    assert_eq!(found.counts[&Kind::Column].missing, 2, "they are counted");
}

#[test]
fn the_databases_own_facts_are_told_with_what_no_statement_mends() {
    let side = |version: &str| Inventory { database: vec![database(version)], ..Inventory::default() };
    let found = difference(&side("2.36"), &side("2.39"));
    let row = &found.differences[0];
    assert_eq!((row.what.as_str(), row.severity, &row.sql), ("collation version", Severity::Data, &None));
    assert_eq!((row.source.as_deref(), row.target.as_deref()), (Some("2.36"), Some("2.39")));
}

#[test]
fn a_newer_extension_is_cosmetic_and_an_older_one_is_not() {
    let side = |version: &str| Inventory { extensions: vec![extension(version)], ..Inventory::default() };
    let severity = |a: &str, b: &str| difference(&side(a), &side(b)).differences[0].severity;
    assert_eq!(severity("1.8", "1.10"), Severity::Cosmetic, "ten is more than eight");
    assert_eq!(severity("1.10", "1.8"), Severity::Blocks);
}
