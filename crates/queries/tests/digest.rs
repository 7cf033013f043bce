//! Digests of other tools: what is taken from them, what is never made up, and what is said of a file that is none.

#![allow(clippy::unwrap_used, clippy::panic)]

use switchyard_queries::{
    digest::{Bad, Digest, Kind, read},
    shape::Shape,
};

const PGBADGER: &str = include_str!("samples/digest/pgbadger12.json");
const OLD: &str = include_str!("samples/digest/pgbadger11.json");
const PT: &str = include_str!("samples/digest/pt.json");

fn digest(text: &str) -> Digest {
    read(text.as_bytes(), None, 100).unwrap_or_else(|e| panic!("{e:?}"))
}

/// Of both tools, and of a server, this is one statement.
fn slow() -> String {
    Shape::of("SELECT id, total FROM orders WHERE customer_id = $1 AND state IN ($2)").id
}

#[test]
fn pgbadger_gives_sums_and_extremes_and_no_percentiles() {
    let d = digest(PGBADGER);
    assert_eq!(
        (d.kind, d.total, d.calls),
        (Kind::Pgbadger, 3, 427.0),
        "what was only locked or spilled is no run: {d:?}"
    );
    assert_eq!((d.from.as_deref(), d.to.as_deref()), (Some("2026-11-28 21:10:20"), Some("2026-11-28 23:59:59")));
    assert_eq!(d.logs, ["/var/log/pg/monday.csv"]);
    let [first, second, third] = d.statements.as_slice() else { panic!("{d:?}") };
    assert_eq!((first.shape.id.clone(), first.shape.tables.clone()), (slow(), vec!["orders".to_owned()]));
    assert_eq!((first.total_ms, first.min_ms, first.max_ms), (Some(1000.5), Some(0.25), Some(212.5)));
    assert_eq!(
        (first.mean_ms, first.p50_ms, first.p95_ms),
        (Some(1000.5 / 400.0), None, None),
        "no percentile from a mean"
    );
    assert_eq!(
        second.shape.id,
        Shape::of("update \"Stock\" set on_hand = on_hand - $1 where id = $2").id,
        "without a sample the tool's own text has values again: {second:?}"
    );
    assert_eq!((third.calls, third.mean_ms), (7.0, None), "runs without a duration have none");
}

#[test]
fn pgbadgers_errors_have_classes_where_it_has_them() {
    let d = digest(PGBADGER);
    assert_eq!(d.failed, 5);
    assert_eq!((d.errors[0].count, d.errors[0].class.as_deref()), (4, Some("syntax or access")));
    assert_eq!(d.errors[0].statement.as_ref().map(|s| s.text.as_str()), Some("select old_tax($1)"));
    assert_eq!(
        (d.errors[1].class.as_deref(), &d.errors[1].statement),
        (None, &None),
        "a login fails without a statement"
    );
    let old = digest(OLD);
    assert_eq!(
        (old.total, old.failed, old.statements[0].calls),
        (1, 3, 2.0),
        "before 12 there were no databases: {old:?}"
    );
    assert_eq!(old.to.as_deref(), Some("2026-11-28 21:10:30"));
    assert!(old.notes.iter().any(|n| n.contains("%e")), "that classes are not known is said: {:?}", old.notes);
}

#[test]
fn pt_query_digest_has_percentiles_of_its_own_that_are_not_put_together() {
    let d = digest(PT);
    assert_eq!((d.kind, d.total, d.calls), (Kind::PtQueryDigest, 2, 120.0), "{d:?}");
    let [first, merged] = d.statements.as_slice() else { panic!("{d:?}") };
    assert_eq!(first.shape.id, slow(), "its own text of a list is a list: {first:?}");
    assert_eq!((first.total_ms, first.p50_ms, first.p95_ms), (Some(5000.0), Some(40.0), Some(200.0)), "in ms");
    assert_eq!(
        (merged.calls, merged.total_ms, merged.max_ms),
        (6.0, Some(1500.0), Some(500.0)),
        "sums add up: {merged:?}"
    );
    assert_eq!((merged.p50_ms, merged.p95_ms), (None, None), "percentiles of two entries do not: {merged:?}");
    let notes = d.notes.join(" ");
    assert!(notes.contains("3 of 9 kinds") && notes.contains("percentiles are left out"), "{notes}");
    assert_eq!((d.from.as_deref(), d.to.as_deref()), (Some("2026-11-28 21:10:28"), Some("2026-11-28 22:00:00.500000")));
}

#[test]
fn what_is_no_digest_is_told_with_what_to_do() {
    for (text, kind, why, how) in [
        ("", None, "empty", "pgbadger -x json"),
        ("  \n", None, "empty", "--output json"),
        ("<!DOCTYPE html><html>", None, "HTML", "pgbadger -x json"),
        ("# 120ms user time", None, "plain text", "--output json"),
        ("[1]", None, "no JSON object", "pgbadger"),
        ("{\"a\": 1}", None, "neither", "pgbadger"),
        (&PT[..PT.len() / 2], None, "ends in the middle", "pgbadger"),
        ("{\"classes\": [}", None, "no JSON at line 1", "pgbadger"),
        ("{\"classes\": 5}", None, "something else", "pgbadger"),
        ("{\"normalyzed_info\": {\"postgres\": 5}}", None, "something else", "pgbadger"),
        (PT, Some(Kind::Pgbadger), "made by pt-query-digest", "--kind"),
    ] {
        match read(text.as_bytes(), kind, 10) {
            Err(Bad::Content(said, remedy)) => {
                assert!(said.contains(why) && remedy.contains(how), "{text:.20}: {said} – {remedy}");
            }
            other => panic!("{text:.20} is no digest: {other:?}"),
        }
    }
    assert!(matches!(read(&b"{\"classes\": [\xff"[..], None, 1), Err(Bad::Content(..))), "bytes that are no text");
}

#[test]
fn a_long_file_is_read_as_it_comes_and_kept_in_short() {
    // 60 000 kinds of statements; a third of them are kept apart, and the rest is counted.
    let mut text = String::from("{\"normalyzed_info\":{\"postgres\":{");
    for n in 0..60_000 {
        let (comma, ms) = (if n == 0 { "" } else { "," }, if n == 59_999 { 900 } else { 1 });
        let stat = format!("{{\"count\":1,\"duration\":{ms},\"min\":\"1\",\"max\":\"{ms}\"}}");
        text.push_str(&format!("{comma}\"select a{n} from t;\":{stat}"));
    }
    text.push_str("}}}");
    let d = read(text.as_bytes(), None, 50).unwrap();
    assert_eq!((d.total, d.statements.len(), d.calls), (20_000, 50, 60_000.0), "all runs count");
    assert_eq!(d.statements[0].total_ms, Some(900.0), "the worst is kept, also where it comes last");
    assert!(d.notes.iter().any(|n| n.contains("40000 runs")), "{:?}", d.notes);
}
