//! What may be set up, and how long it holds.

use super::*;

pub(crate) fn metric(name: &str) -> Metric {
    Metric {
        name: name.into(),
        url: "https://prometheus:9090".into(),
        query: "up".into(),
        bound: Bound::Above,
        limit: 250.0,
        for_s: 60,
        unit: "ms".into(),
        login: MetricLogin::None,
        ca_file: None,
    }
}

fn set_up() -> SetUp {
    SetUp { seq: 7, at: 0, by: "ann".into(), metric: metric("p95") }
}

fn value(value: f64) -> Result<Reading, Unread> {
    Ok(Reading { value, age_ms: Some(3_000) })
}

fn nothing() -> Result<Reading, Unread> {
    Err(Unread { why: "no answer".into(), remedy: "Look.".into() })
}

#[test]
fn what_cannot_be_used_is_said_in_a_sentence_each() {
    assert_eq!(metric("p95").problems(), Vec::<String>::new(), "a plain one is fine");
    let told = |change: fn(&mut Metric)| {
        let mut m = metric("p95");
        change(&mut m);
        m.problems().join(" ")
    };
    for (change, expected) in [
        ((|m| m.name = " ".into()) as fn(&mut Metric), "needs a name"),
        (|m| m.query = "\n".into(), "needs a query"),
        (|m| m.limit = f64::NAN, "has to be a number"),
        (|m| m.for_s = 86_401, "24 hours"),
        (|m| m.url = "prometheus:9090".into(), "begins with https://"),
        (|m| m.url = "https://ann:pw@prometheus".into(), "holds a user or a password"),
        (|m| m.url = "https://:9090/x".into(), "names no host"),
        (|m| m.url = "https://a/?x=1".into(), "ends before ?"),
        (|m| m.url = "https://a b".into(), "no spaces"),
        (|m| m.ca_file = Some("ca.pem".into()), "whole path"),
        (|m| m.unit = "\u{1b}[31m".into(), "unit"),
    ] {
        let told = told(change);
        assert!(told.contains(expected), "“{told}” says nothing of “{expected}”");
    }
}

#[test]
fn a_secret_goes_encrypted_or_stays_on_this_machine() {
    let with = |url: &str, user: Option<&str>| {
        let at = SecretAt::Keyring { name: "metric:shop:p95:1".into() };
        let login = match user {
            None => MetricLogin::Token { at },
            Some(user) => MetricLogin::Basic { user: user.into(), at },
        };
        Metric { url: url.into(), login, ..metric("p95") }.problems().join(" ")
    };
    for fine in ["https://prometheus", "http://127.0.0.1:9090/x", "http://[::1]:9090", "http://localhost"] {
        assert_eq!(with(fine, None), "", "{fine}");
    }
    for plain in ["http://prometheus", "http://127.0.0.1.example/", "http://10.0.0.1:80"] {
        assert!(with(plain, Some("ann")).contains("plain text"), "{plain} would show it to everybody on the way");
    }
    assert!(with("https://a", Some("a:b")).contains("colon"), "the password would begin too early");
}

#[test]
fn how_long_it_has_held_survives_one_failed_look_and_no_more() {
    let of = set_up();
    let look = |before: Option<&MetricFact>, at, read| MetricFact::after(&of, before, at, read);
    let first = look(None, 1_000, value(250.0));
    assert_eq!(first.within, Some((1_000, 1_000)), "the limit itself is within");
    let missed = look(Some(&first), 6_000, nothing());
    assert!(matches!(standing(&of, Some(&missed), 6_000), Standing::Unknown(_)), "it is not known now");
    let again = look(Some(&missed), 11_000, value(1.0));
    assert_eq!(again.within, Some((1_000, 11_000)), "one look that failed is no break");
    let late = look(Some(&again), 27_000, value(1.0));
    assert_eq!(late.within, Some((27_000, 27_000)), "nobody knows what was in sixteen seconds");
    assert_eq!(look(Some(&late), 28_000, value(250.1)).within, None, "above");
    let other = SetUp { seq: 8, ..set_up() };
    let after = MetricFact::after(&other, Some(&late), 28_000, value(1.0));
    assert_eq!(after.within, Some((28_000, 28_000)), "another query's time is not its own");
}

#[test]
fn it_stands_where_it_was_last_seen() {
    let of = set_up();
    let fact = |read, within| MetricFact { seq: 7, at: 100_000, read, within };
    let at = |fact: &MetricFact, now| standing(&of, Some(fact), now);
    let held = fact(value(1.0), Some((40_000, 100_000)));
    assert_eq!(at(&held, 100_000), Standing::Within { held_s: 60 });
    assert_eq!(at(&held, 99_999), Standing::Waits { held_s: 59, opens_at: 100_000 });
    assert!(matches!(at(&held, 115_001), Standing::Unknown(_)), "it was read too long ago");
    assert!(matches!(at(&held, 0), Standing::Unknown(_)), "a clock that was set back makes nothing fresh");
    assert!(matches!(standing(&of, None, 0), Standing::Unknown(_)), "nobody looked yet");
    assert_eq!(at(&fact(value(500.0), None), 100_000), Standing::Wrong { beyond: 1.0 });
    let below = SetUp { metric: Metric { bound: Bound::Below, ..metric("rps") }, ..set_up() };
    assert_eq!(standing(&below, Some(&fact(value(125.0), None)), 100_000), Standing::Wrong { beyond: 0.5 });
    assert_eq!(written(&below.metric, 125.0), "rps 125 ms, at least 250 ms");
    assert_eq!(written(&of.metric, 250.000_1), "p95 250.0001 ms, limit 250 ms", "what differs is not shown alike");
}

#[test]
fn the_journal_says_which_there_are_and_since_when() {
    use crate::{
        journal::{Entry, Recorded},
        limits::Limits,
        migration::{MigrationSpec, Strategy},
        state::replay,
    };
    let spec = MigrationSpec {
        name: "shop".into(),
        strategy: Strategy::Live,
        source: "a".into(),
        target: "b".into(),
        routers: vec![],
        limits: Limits::normal(),
    };
    let changed = Metric { limit: 9.0, ..metric("p95") };
    let entries = [
        Entry::Created { spec },
        Entry::MetricSet { metric: metric("p95") },
        Entry::MetricSet { metric: metric("errors") },
        Entry::MetricSet { metric: changed.clone() },
        Entry::MetricRemoved { name: "errors".into() },
    ];
    let recorded: Vec<Recorded> = (1..)
        .zip(entries)
        .map(|(seq, entry)| Recorded { seq, at: seq * 1000, by: "ann".into(), generation: 1, entry })
        .collect();
    let names = |n: usize| {
        let state = replay(&recorded[..n]).unwrap();
        state.metrics.iter().map(|m| (m.metric.name.clone(), m.seq)).collect::<Vec<_>>()
    };
    assert_eq!(names(3), [("errors".into(), 3), ("p95".into(), 2)], "by name");
    assert_eq!(names(5), [("p95".into(), 4)], "replaced, and the other is gone");
    let last = replay(&recorded).unwrap().metrics.remove(0);
    assert_eq!(last, SetUp { seq: 4, at: 4_000, by: "ann".into(), metric: changed });
}
