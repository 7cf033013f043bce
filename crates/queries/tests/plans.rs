//! Plans as PostgreSQL 15 and 18 made them.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

use switchyard_queries::plan::{Difference, Plan, WholeScan, side_by_side};

fn plan(json: &str) -> Plan {
    Plan::read(json).unwrap()
}

#[test]
fn a_missing_index_is_named() {
    let (source, target) = (plan(include_str!("samples/index15.json")), plan(include_str!("samples/seq18.json")));
    assert!(source.was_run && target.was_run);
    let both = side_by_side(&source, &target);
    let index = WholeScan { schema: "public".into(), table: "orders".into(), index: "orders_customer_id_idx".into() };
    assert_eq!(both.whole_scans, [index]);
    assert_eq!(both.lines.len(), 3, "sort with sort, scan with scan, and the bitmap of the source: {:?}", both.lines);
    let scans = &both.lines[1];
    assert_eq!(scans.target.as_ref().unwrap().kind, "Seq Scan");
    assert!(scans.differences.starts_with(&[Difference::Kind, Difference::Index]), "{scans:?}");
    assert_eq!(both.lines[2].differences, [Difference::OnlySource]);
    assert!(both.sentences[0].contains("orders_customer_id_idx"), "{:?}", both.sentences);
}

#[test]
fn equal_plans_of_two_versions_are_equal() {
    let both = side_by_side(&plan(include_str!("samples/index15.json")), &plan(include_str!("samples/index18.json")));
    assert_eq!(
        (both.whole_scans.len(), both.sentences.as_slice()),
        (0, &["Both sides have the same plan.".to_owned()][..])
    );
    let both = side_by_side(&plan(include_str!("samples/seq15.json")), &plan(include_str!("samples/seq18.json")));
    assert!(both.lines.iter().all(|l| l.differences.is_empty()), "{:?}", both.lines);
}

#[test]
fn what_is_no_plan_is_a_sentence() {
    assert!(Plan::read("[]").unwrap_err().contains("Plan"));
    assert!(Plan::read("x").is_err());
}
