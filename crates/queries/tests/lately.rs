//! Which statements fail always, while others hide it.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

use std::borrow::Cow;

use switchyard_queries::{
    damage::Counted,
    lately::{LONG_MS, Lately, Own, SHORT_MS, Share},
    log::{Entry, Severity},
    shape::Shape,
};

const BROKEN: &str = "SELECT with_tax(total) FROM orders WHERE id = $1";
const READ: &str = "SELECT total FROM orders WHERE id = $1";
const WRITE: &str = "UPDATE orders SET total = $1 WHERE id = $2";

fn lately() -> Lately {
    Lately::new(Own { database: "shop".into(), role: "switchyard".into(), application: "Switchyard".into() })
}

fn entry(query: &'static str, user: &'static str, application: &'static str) -> Entry<'static> {
    let none = Cow::Borrowed("");
    Entry {
        at: None,
        user: user.into(),
        database: "shop".into(),
        application: application.into(),
        client: none.clone(),
        pid: None,
        session: none.clone(),
        severity: Severity::Error,
        sqlstate: Some("42883".into()),
        message: "function with_tax(integer) does not exist".into(),
        detail: none.clone(),
        context: none,
        query: query.into(),
    }
}

fn counted(role: &str, text: &str, calls: f64) -> Counted {
    let key = format!("{role} true {}", Shape::id_of(text));
    Counted {
        key,
        text: text.into(),
        calls,
        total_ms: 0.0,
        squares: 0.0,
        max_ms: 0.0,
        rows: 0.0,
        hits: 0.0,
        reads: 0.0,
    }
}

#[test]
fn one_in_a_thousand_that_was_never_counted_fails_always_at_the_first_reading() {
    let mut l = lately();
    assert!(!l.must_count(0), "nothing failed, so nothing need be counted");
    for at in [1_000, 2_000, 3_000] {
        l.take(at, &entry("SELECT with_tax(total) FROM orders WHERE id = 77", "app", "shop"));
    }
    assert!(l.must_count(3_000));
    assert_eq!(l.always(3_000, 3), vec![], "what went well is not known yet");
    l.counted(3_000, &[counted("app", READ, 3_000.0)], true);
    let all = l.always(3_000, 3);
    assert_eq!((all.len(), all[0].times, all[0].over_ms), (1, 3, 2_000), "{all:?}");
    assert_eq!(
        (all[0].shape.id.as_str(), all[0].error.as_str()),
        (Shape::id_of(BROKEN).as_str(), "42883, syntax or access")
    );
    assert_eq!((all[0].applications[0].as_str(), all[0].shape.tables[0].as_str()), ("shop", "orders"));
    assert_eq!(l.always(3_000, 4), vec![], "so often it has not failed");

    l.counted(8_000, &[counted("app", READ, 8_000.0), counted("app", BROKEN, 1.0)], true);
    assert_eq!(l.always(8_000, 3), vec![], "once it went well it fails no more");
}

#[test]
fn one_that_went_well_before_is_judged_from_the_first_reading_on() {
    let mut l = lately();
    for _ in 0..5 {
        l.take(1_000, &entry(BROKEN, "app", "shop"));
    }
    l.counted(1_000, &[counted("app", BROKEN, 900.0), counted("app", READ, 5.0)], true);
    assert_eq!(l.always(1_000, 3), vec![], "it may have gone well in between");
    for at in [6_000, 11_000, 16_000] {
        l.take(at, &entry(BROKEN, "app", "shop"));
        l.counted(at, &[counted("app", BROKEN, 900.0), counted("app", READ, at as f64)], true);
    }
    assert_eq!(l.always(16_000, 3)[0].times, 3, "it never did since");
    assert!(l.must_count(16_000 + SHORT_MS) && !l.must_count(16_001 + LONG_MS), "it is forgotten when it is over");
    assert_eq!(l.always(16_001 + LONG_MS, 1), vec![]);
}

#[test]
fn a_statement_that_is_broken_here_is_remembered_until_it_goes_well() {
    let mut l = lately();
    let id = Shape::id_of(BROKEN);
    for _ in 0..3 {
        l.take(1_000, &entry(BROKEN, "app", "shop"));
    }
    assert!(l.fails(&id, 1_000), "it failed, and nobody knows of a time that it went well");
    l.counted(1_000, &[counted("app", READ, 5.0)], true);
    assert_eq!(l.always(1_000, 3).len(), 1);
    assert!(!l.must_count(2_000 + LONG_MS) && l.fails(&id, 2_000 + LONG_MS), "nobody asks here any more");
    l.take(1_000_000, &entry(READ, "app", "shop"));
    l.counted(1_000_000, &[counted("app", READ, 9.0)], true);
    l.counted(1_001_000, &[counted("app", BROKEN, 1.0)], true);
    assert!(!l.fails(&id, 1_001_000), "it was mended");
}

#[test]
fn reads_and_writes_have_shares_of_their_own_and_ours_are_in_neither() {
    let mut l = lately();
    l.take(0, &entry(READ, "app", "Switchyard"));
    assert!(!l.must_count(0), "what Switchyard itself gets wrong is no statement of the application");
    l.take(1_000, &entry(WRITE, "app", "shop"));
    l.counted(
        1_000,
        &[counted("app", READ, 10.0), counted("app", WRITE, 10.0), counted("switchyard", READ, 5.0)],
        true,
    );
    assert_eq!(l.shares(1_000), None, "one reading says nothing of what was added");
    l.take(2_000, &entry(WRITE, "app", "shop"));
    l.take(2_000, &entry(READ, "switchyard", "psql"));
    l.counted(
        2_000,
        &[counted("app", READ, 110.0), counted("app", WRITE, 59.0), counted("switchyard", READ, 99.0)],
        true,
    );
    let (reads, writes) = l.shares(2_000).unwrap();
    assert_eq!(reads, Share { requests: 100, errors: 0 }, "our own reads are left out");
    assert_eq!(writes, Share { requests: 50, errors: 1 }, "failures count from the first reading, as what went well");
}

#[test]
fn nothing_is_said_of_a_server_that_does_not_count_or_has_forgotten() {
    let broken = || {
        let mut l = lately();
        for _ in 0..3 {
            l.take(1_000, &entry(BROKEN, "app", "shop"));
        }
        l
    };
    let mut silent = broken();
    silent.counted(1_000, &[], true);
    assert_eq!(silent.always(1_000, 3), vec![], "not even our own statements are counted");
    let mut stopped = broken();
    stopped.counted(1_000, &[counted("app", READ, 5.0)], true);
    stopped.counted(2_000, &[counted("app", READ, 5.0)], true);
    assert_eq!(stopped.always(2_000, 3), vec![], "it counted once and does no more");
    let mut forgetful = broken();
    forgetful.counted(1_000, &[counted("app", READ, 5.0)], false);
    assert_eq!(forgetful.always(1_000, 3), vec![], "it may have gone well and been forgotten");
    for _ in 0..3 {
        forgetful.take(2_000, &entry(BROKEN, "app", "shop"));
    }
    forgetful.counted(2_000, &[counted("app", READ, 6.0)], false);
    assert_eq!(forgetful.always(2_000, 3)[0].times, 3, "since the first reading it did not");
}
