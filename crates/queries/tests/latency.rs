//! Durations of a log that has all of them.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

use std::fmt::Write as _;

use switchyard_queries::{
    damage::{Called, tail},
    latency::Latencies,
    log::{Format, LogReader, Prefix},
    shape::Shape,
};

/// A log in which one of a hundred runs takes this long, the others 1 to 2 ms.
fn read(slowest_ms: f64) -> Latencies {
    let mut log = String::new();
    for n in 0..1_000 {
        let ms = if n % 50 == 0 { slowest_ms } else { 1.0 + f64::from(n % 10) / 10.0 };
        writeln!(
            log,
            "2026-11-28 21:10:28 UTC app@shop LOG:  duration: {ms:.3} ms  execute s1: select a from t where id = ${}",
            n % 3 + 1
        )
        .unwrap();
        writeln!(
            log,
            "2026-11-28 21:10:28 UTC app@shop LOG:  duration: 900.000 ms  bind s1: select a from t where id = $1"
        )
        .unwrap();
        writeln!(
            log,
            "2026-11-28 21:10:28 UTC app@other LOG:  duration: 900.000 ms  statement: select a from t where id = 5"
        )
        .unwrap();
    }
    let mut latencies = Latencies::new(Some("shop"), None);
    let mut reader = LogReader::new(Format::Stderr(Prefix::new("%t %u@%d ").unwrap()));
    let mut bytes = log.as_bytes();
    reader.read(&mut bytes, &mut |e| latencies.take(e)).unwrap();
    reader.finish(&mut |e| latencies.take(e));
    latencies
}

#[test]
fn percentiles_are_those_of_the_runs_and_a_long_tail_is_called_out() {
    let id = Shape::id_of("SELECT a FROM t WHERE id = 77");
    let (source, target) = (read(2.0), read(80.0));
    let (s, t) = (source.percentiles(&id).unwrap(), target.percentiles(&id).unwrap());
    assert_eq!((s.runs, t.runs), (1_000, 1_000), "a bind ran nothing, and another database is not asked for");
    assert!((1.3..1.6).contains(&s.p50_ms) && (1.3..1.6).contains(&t.p50_ms), "the middle is alike: {s:?} {t:?}");
    assert!(s.p99_ms < 2.1 && (79.0..82.0).contains(&t.p99_ms), "the end is not: {s:?} {t:?}");
    assert_eq!((tail(s, t), tail(s, s)), (Called::Tail, Called::Fine));
    assert_eq!(source.percentiles("nothing"), None);
}
