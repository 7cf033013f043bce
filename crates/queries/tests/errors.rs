//! Errors of logs as PostgreSQL 15 and 18 wrote them.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

use switchyard_queries::{
    errors::{Errors, Tolerated},
    log::{Format, LogReader},
    shape::Does,
};

fn read(log: &[u8], mut errors: Errors) -> Errors {
    let mut reader = LogReader::new(Format::Csv);
    let mut log = log;
    reader.read(&mut log, &mut |e| errors.take(e)).unwrap();
    reader.finish(&mut |e| errors.take(e));
    errors
}

#[test]
fn errors_are_told_by_statement_and_class_and_one_that_always_fails_comes_first() {
    let log = include_bytes!("samples/pg18.csv");
    let errors = read(&[log.as_slice(), log].concat(), Errors::new(Some("postgres"), None));
    assert_eq!((errors.total(), errors.others()), (14, 0));
    // The insert goes well a thousand times; nothing counted the other statements.
    let insert = |id: &str| {
        let all = errors.judged(|_| None, Tolerated::default());
        all.iter().any(|k| k.statement.as_ref().is_some_and(|s| s.id == id && s.does == Does::Write))
    };
    let all = errors.judged(|id| Some(if insert(id) { 1000.0 } else { 0.0 }), Tolerated::default());
    let missing = all.iter().find(|k| k.table == "missing").unwrap();
    assert_eq!((missing.always, missing.count, missing.rate), (true, 2, Some(1.0)), "{missing:?}");
    assert_eq!((missing.class.as_str(), missing.states["42P01"]), ("42", 2));
    assert_eq!(missing.statement.as_ref().unwrap().text, "select * from missing where id = $1");
    let twice = all.iter().find(|k| k.class == "23").unwrap();
    assert_eq!((twice.count, twice.always, twice.is_over), (4, false, true), "0.4 % of writes is too much: {twice:?}");
    assert!(all[0].always && !all.last().unwrap().always, "what fails always comes first");
    assert_eq!(errors.judged(|_| None, Tolerated::default())[0].rate, None, "no rate is made up");
}

#[test]
fn another_database_and_an_earlier_time_are_left_out() {
    let log = include_bytes!("samples/pg15.csv");
    assert_eq!(read(log, Errors::new(Some("other"), None)).total(), 0);
    assert_eq!(read(log, Errors::new(None, Some(i64::MAX))).total(), 0);
    assert_eq!(read(log, Errors::new(None, Some(0))).total(), 7);
}
