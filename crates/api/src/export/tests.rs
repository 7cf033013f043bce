//! Files of findings, from a real store.

use std::{os::unix::fs::PermissionsExt, path::Path, sync::Arc};

use switchyard_model::{
    Side,
    ident::TableName,
    limits::Limits,
    migration::{MigrationSpec, Strategy},
    reconcile::{ColumnDifference, Finding, FindingKind, Standing, TableReport},
};

use super::{Export, Format, PAGE};
use crate::{Options, Switchyard, dto::Exported};

/// More than two pages.
const MANY: i64 = PAGE * 2 + 7;

fn finding(id: i64, kind: FindingKind, columns: Vec<ColumnDifference>) -> Finding {
    let key = vec![("tenant".to_owned(), "a,\"b\"".to_owned()), ("id".to_owned(), id.to_string())];
    Finding { key, kind, columns, rows_source: 1, rows_target: 1, at: 951_827_696_000, seen: None }
}

fn column(name: &str, source: Option<&str>, target: Option<&str>) -> ColumnDifference {
    ColumnDifference { column: name.to_owned(), source: source.map(str::to_owned), target: target.map(str::to_owned) }
}

/// A store in which one table differs in many rows, and one has more hot rows than are named.
async fn world(folder: &Path) -> Arc<Switchyard> {
    let api = Switchyard::open(Options { store: Some(folder.join("store.db")), ..Options::default() }).await;
    let api = api.unwrap();
    let spec = MigrationSpec {
        name: "shop".to_owned(),
        strategy: Strategy::Live,
        source: "a".to_owned(),
        target: "b".to_owned(),
        routers: Vec::new(),
        limits: Limits::demo(),
    };
    let store = &api.parts.store;
    let id = store.create_migration(&spec, "test", 1).await.unwrap();
    let orders = TableName::new("public", "orders");
    let differ = |i| {
        finding(i, FindingKind::Different, vec![column("total", Some("=1"), None), column("note", Some(""), Some("é"))])
    };
    let mut findings: Vec<Finding> = (1..MANY).map(differ).collect();
    findings.push(finding(MANY, FindingKind::MissingOnTarget, Vec::new()));
    store.put_findings(id, &orders, &findings, None).await.unwrap();
    let mut report = TableReport::unread(orders, Vec::new(), 5);
    report.found = MANY;
    store.put_standing(id, &Standing::after(&report, Side::Source, 1, None)).await.unwrap();
    let mut report = TableReport::unread(TableName::new("public", "sessions"), Vec::new(), 5);
    report.hot = (0..130).map(|i| vec![("id".to_owned(), i.to_string())]).collect();
    store.put_standing(id, &Standing::after(&report, Side::Source, 1, None)).await.unwrap();
    api
}

fn export(file: &Path) -> Export {
    let format = Format::of(file);
    Export { migration: "shop".to_owned(), table: None, file: file.to_owned(), format, replace: false }
}

fn in_it(folder: &Path) -> Vec<String> {
    let name = |e: std::io::Result<std::fs::DirEntry>| e.unwrap().file_name().into_string().unwrap();
    let mut names: Vec<String> = std::fs::read_dir(folder).unwrap().map(name).collect();
    names.sort();
    names
}

#[tokio::test]
async fn every_finding_is_in_the_file_once_and_only_its_owner_may_read_it() {
    let folder = tempfile::tempdir().unwrap();
    let api = world(folder.path()).await;
    let file = folder.path().join("all.csv");
    let told = api.export_findings(export(&file)).await.unwrap();
    let text = std::fs::read_to_string(&file).unwrap();
    let expected = Exported {
        file: file.display().to_string(),
        findings: MANY,
        hot: 130,
        hot_unnamed: 30,
        bytes: text.len() as u64,
    };
    assert_eq!(told, expected, "what was written is told, and what could not be named");
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "it holds rows");
    let lines: Vec<&str> = text.split_terminator("\r\n").collect();
    assert_eq!(lines[0], "table,finding,kind,key,column,source,target,last_checked_utc,still_moving");
    assert_eq!(
        lines.len() as i64,
        1 + 2 * (MANY - 1) + 1 + 100,
        "two columns each, one missing row, the named hot rows"
    );
    let key = r#""{""id"":""1"",""tenant"":""a,\""b\""""}""#;
    let first = format!(r#""public.orders",1,different,{key},"total","'=1",,2000-02-29 12:34:56Z,no"#);
    assert_eq!(lines[1], first, "a formula is none any more, and NULL is no empty text");
    assert!(lines[2].contains(r#","note","","é","#), "an empty text is a value: {}", lines[2]);
    let missing = lines[(2 * (MANY - 1) + 1) as usize];
    assert!(missing.contains(&format!(",{MANY},missing_on_target,")), "the last one is on the last page: {missing}");
    assert!(lines.last().unwrap().starts_with(r#""public.sessions",,hot,"#), "hot rows come with their keys");
    assert!(lines.last().unwrap().ends_with(",yes"), "and are still moving");
    api.shut_down().await;
}

#[tokio::test]
async fn lines_of_json_hold_every_value_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let api = world(folder.path()).await;
    let file = folder.path().join("orders.jsonl");
    let one = Export { table: Some(TableName::new("public", "orders")), ..export(&file) };
    let told = api.export_findings(one).await.unwrap();
    assert_eq!((told.findings, told.hot), (MANY, 0), "the other table was not asked for");
    let text = std::fs::read_to_string(&file).unwrap();
    let rows: Vec<serde_json::Value> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(rows.len() as i64, MANY, "a line per row");
    assert_eq!(rows[0]["columns"][0]["source"], "=1", "nothing is put in front of a value");
    assert_eq!(rows[0]["columns"][0]["target"], serde_json::Value::Null);
    assert_eq!(rows[0]["key"], serde_json::json!({ "tenant": "a,\"b\"", "id": "1" }));
    let mut numbers: Vec<_> = rows.iter().map(|r| r["finding"].as_i64().unwrap()).collect();
    numbers.dedup();
    assert_eq!(numbers.len() as i64, MANY, "each finding once, in the order of their numbers");
    api.shut_down().await;
}

#[tokio::test]
async fn a_file_that_is_there_stays_and_a_failed_one_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let api = world(folder.path()).await;
    let out = folder.path().join("out");
    std::fs::create_dir(&out).unwrap();
    let file = out.join("mine.csv");
    std::fs::write(&file, "mine").unwrap();
    let refused = api.export_findings(export(&file)).await.unwrap_err();
    assert_eq!(refused.code, "refused", "{refused:?}");
    assert!(refused.message.contains("mine.csv is there already"), "it says which: {}", refused.message);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "mine", "it stays");

    let nowhere = api.export_findings(export(&out.join("no such folder/x.csv"))).await.unwrap_err();
    assert!(nowhere.message.contains("No such file or directory"), "{}", nowhere.message);
    let unknown = Export { migration: "other".to_owned(), ..export(&out.join("x.csv")) };
    assert_eq!(api.export_findings(unknown).await.unwrap_err().code, "not_found");
    assert_eq!(in_it(&out), ["mine.csv"], "no draft is left behind");

    let replaced = Export { replace: true, ..export(&file) };
    api.export_findings(replaced).await.unwrap();
    assert!(std::fs::read_to_string(&file).unwrap().starts_with("table,"), "who said so has the new one");
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "as private as any");
    api.shut_down().await;
}
