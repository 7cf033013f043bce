use super::*;
use crate::ident::TableName;

fn group(application: &str, connections: i64) -> Group {
    Group {
        who: Who { application: application.into(), user: "app".into(), address: Some("10.0.0.7".into()) },
        kind: Kind::Client,
        connections,
        arrived: 0,
        active: 0,
        idle_in_transaction: 0,
        idle_in_transaction_s: 0.0,
        transaction_s: 0.0,
        waiting: 0,
        hidden: 0,
    }
}

fn sample(at_s: f64, groups: Vec<Group>, counters: Counters) -> Sample {
    Sample { at_s, look: Look { groups, counters }, tables: None, statements: None }
}

fn at(at_s: f64, transactions: f64) -> Sample {
    sample(at_s, Vec::new(), Counters { transactions, ..Counters::default() })
}

fn facts() -> Facts {
    Facts { sees_all: true, counts: true, activities: true, statements: Statements::Read, ..Facts::default() }
}

fn report(samples: impl IntoIterator<Item = Sample>) -> Report {
    let mut sampling = Sampling::default();
    samples.into_iter().for_each(|s| sampling.take(s));
    sampling.report(&facts())
}

#[test]
fn one_that_came_for_a_moment_is_listed_with_when_and_how_often() {
    let cron = Group { arrived: 1, active: 1, transaction_s: 0.4, ..group("nightly", 1) };
    let found = report([
        sample(0.0, vec![group("web", 4)], Counters::default()),
        sample(1.0, vec![group("web", 6), cron], Counters::default()),
        sample(2.0, vec![group("web", 2)], Counters::default()),
    ]);
    let names: Vec<&str> = found.consumers.iter().map(|c| c.application.as_str()).collect();
    assert_eq!(names, ["web", "nightly"], "who was there longest is first");
    let web = &found.consumers[0];
    assert_eq!(web.connections, Spread { now: 2, peak: 6, mean: 4.0 });
    assert_eq!((web.seen, web.of, web.first_s, web.last_s), (3, 3, 0.0, 2.0));
    let nightly = &found.consumers[1];
    assert_eq!(nightly.connections, Spread { now: 0, peak: 1, mean: 0.33 }, "it is gone, and counts over all samples");
    assert_eq!((nightly.seen, nightly.sessions, nightly.first_s, nightly.last_s), (1, 1, 1.0, 1.0));
    assert_eq!((nightly.active_peak, nightly.transaction_s), (1, 0.4));
}

#[test]
fn sessions_add_up_over_samples_and_waits_are_counted() {
    let new = |arrived| Group { arrived, waiting: i64::from(arrived == 3), ..group("etl", 2) };
    let found = report([
        sample(0.0, vec![new(2)], Counters::default()),
        sample(1.0, vec![new(0)], Counters::default()),
        sample(2.0, vec![new(3)], Counters::default()),
    ]);
    let etl = &found.consumers[0];
    assert_eq!(etl.sessions, 5, "two that were there and three that came");
    assert_eq!((etl.waiting_peak, etl.waiting_samples), (1, 1));
}

#[test]
fn senders_and_workers_are_listed_apart() {
    let other = |kind| Group { kind, ..group("other", 1) };
    let found =
        report([sample(0.0, vec![group("web", 1), other(Kind::Sender), other(Kind::Worker)], Counters::default())]);
    assert_eq!((found.consumers.len(), found.workers.len(), found.senders.len()), (1, 1, 1));
}

#[test]
fn rates_leave_our_own_transactions_out() {
    let own = |s: Sample| {
        let counters = Counters { own_transactions: 3.0, ..s.look.counters };
        sample(s.at_s, Vec::new(), counters)
    };
    let found = report([own(at(0.0, 100.0)), own(at(1.0, 113.0)), own(at(2.0, 136.0)), own(at(3.0, 139.0))]);
    assert_eq!(found.server.transactions_per_s, Some(Figures { peak: 20.0, mean: 10.0 }));
}

#[test]
fn quick_samples_are_put_together_to_a_second() {
    // A backend hands its counts in once a second, all at once.
    let found = report((0..=20).map(|n| at(f64::from(n) * 0.1, if n < 5 { 0.0 } else { 50.0 })));
    let rate = found.server.transactions_per_s.unwrap();
    assert!(rate.peak <= 56.0, "50 transactions in a second are no 500 per second: {rate:?}");
}

#[test]
fn counters_that_go_backwards_are_no_traffic() {
    let found = report([at(0.0, 1_000_000.0), at(1.0, 1_000_010.0), at(2.0, 5.0), at(3.0, 15.0)]);
    assert_eq!(found.server.transactions_per_s, Some(Figures { peak: 10.0, mean: 10.0 }), "that second is left out");
    let reset = |s: Sample, reset| sample(s.at_s, Vec::new(), Counters { reset: Some(reset), ..s.look.counters });
    let found = report([reset(at(0.0, 50.0), 7.0), reset(at(1.0, 1.0), 8.0)]);
    assert!(found.notes.iter().any(|n| n.contains("reset meanwhile")), "{:?}", found.notes);
}

#[test]
fn nothing_is_counted_across_a_restart() {
    let since = |at_s, transactions, started, scans| {
        let counters = Counters { transactions, started, ..Counters::default() };
        Sample { tables: Some(vec![table(1, "t", scans, 0.0)]), ..sample(at_s, Vec::new(), counters) }
    };
    let found = report([
        since(0.0, 10.0, 1.0, 5.0),
        since(1.0, 20.0, 1.0, 6.0),
        // Another server may answer: these counters have nothing to do with those before.
        since(5.0, 900_000.0, 4.5, 700.0),
        since(6.0, 900_002.0, 4.5, 702.0),
    ]);
    assert_eq!(found.server.transactions_per_s, Some(Figures { peak: 10.0, mean: 6.0 }));
    assert_eq!(found.tables[0].scans, 3, "one before and two after");
    assert!(found.notes.iter().any(|n| n.starts_with("The server was started anew 1 time;")), "{:?}", found.notes);
}

#[test]
fn sessions_that_no_sample_saw_are_told() {
    let counted = |at_s, sessions, arrived| {
        sample(at_s, vec![Group { arrived, ..group("web", 1) }], Counters { sessions, ..Counters::default() })
    };
    let samples = || [counted(0.0, 100.0, 9), counted(1.0, 104.0, 1), counted(2.0, 110.0, 1)];
    let found = report(samples());
    assert!(found.unseen.iter().any(|u| u.starts_with("About 8 sessions began")), "{:?}", found.unseen);
    let mut sampling = Sampling::default();
    samples().into_iter().for_each(|s| sampling.take(s));
    let unseen = sampling.report(&Facts { sees_all: false, ..facts() }).unseen;
    assert!(!unseen.iter().any(|u| u.starts_with("About")), "beginnings are hidden, so nothing follows: {unseen:?}");
}

fn table(oid: i64, name: &str, scans: f64, inserted: f64) -> TableCount {
    TableCount { oid, name: TableName::new("public", name), scans, inserted, updated: 0.0, deleted: 0.0 }
}

#[test]
fn tables_show_what_was_done_to_them_during_the_sampling() {
    let look = |at_s, tables| Sample { tables: Some(tables), ..at(at_s, 0.0) };
    let found = report([
        look(0.0, vec![table(1, "read", 90.0, 7.0), table(2, "log", 0.0, 5.0), table(3, "still", 4.0, 4.0)]),
        look(1.0, vec![table(1, "read", 95.0, 7.0), table(2, "log", 0.0, 25.0), table(3, "still", 4.0, 4.0)]),
        // Reset: what it shows has been counted since.
        look(2.0, vec![table(1, "read", 2.0, 0.0), table(2, "log", 0.0, 26.0), table(4, "Made", 1.0, 3.0)]),
    ]);
    let rows: Vec<(&str, i64, i64, Mix)> =
        found.tables.iter().map(|t| (t.table.as_str(), t.scans, t.inserted, t.mix)).collect();
    assert_eq!(
        rows,
        [("public.log", 0, 21, Mix::Writes), ("public.read", 7, 0, Mix::Reads), ("public.\"Made\"", 1, 3, Mix::Both)],
        "the busiest first; a new table counts from nothing"
    );
    assert_eq!(found.idle_tables, 0, "the one that nobody used was dropped");
}

#[test]
fn users_show_what_their_statements_did() {
    let one = |user: &str, id, class, calls| StatementCount {
        user: user.into(),
        id,
        top: true,
        class,
        calls,
        rows: calls * 2.0,
        ms: calls,
    };
    let look = |at_s, statements| Sample { statements: Some(statements), ..at(at_s, 0.0) };
    let found = report([
        look(0.0, vec![one("app", Some(1), Class::Read, 10.0), one("x", None, Class::Hidden, 1000.0)]),
        look(
            1.0,
            vec![
                one("app", Some(1), Class::Read, 30.0),
                one("app", Some(2), Class::Write, 5.0),
                // One of the hidden statements was forgotten.
                one("x", None, Class::Hidden, 900.0),
            ],
        ),
    ]);
    let users = found.users.unwrap();
    assert_eq!(users.len(), 1, "a sum that shrank says nothing: {users:?}");
    let app = &users[0];
    assert_eq!((app.calls, app.reads, app.writes, app.rows, app.time_ms), (25, 20, 5, 50, 25.0));
}

#[test]
fn what_cannot_be_seen_is_told_with_the_remedy() {
    let blind = Facts { role: "no\"body".into(), ..Facts::default() };
    let all = blind.unseen().join("\n");
    for part in ["GRANT pg_monitor TO \"no\"\"body\"", "track_activities is off", "track_counts is off"] {
        assert!(all.contains(part), "{part}: {all}");
    }
    assert!(all.contains("shared_preload_libraries"), "{all}");
    let loaded = Facts { statements_loaded: true, ..Facts::default() }.unseen().join("\n");
    assert!(!loaded.contains("shared_preload_libraries") && loaded.contains("CREATE EXTENSION"), "{loaded}");
    assert_eq!(facts().unseen(), Vec::<String>::new());
}

#[test]
fn names_without_end_do_not_fill_the_memory() {
    let found = report((0..60).map(|n| {
        let names = (0..100).map(|i| group(&format!("worker {n} {i}"), 1)).collect();
        sample(f64::from(n), names, Counters::default())
    }));
    assert_eq!(found.consumers.len(), 5_000);
    assert!(found.unseen.iter().any(|u| u.contains("are not listed")), "{:?}", found.unseen);
}
