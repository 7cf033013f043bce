use switchyard_shadow::Sample;

use super::*;

const THEN: Ran = Ran { from_ms: 1_795_900_227_000, to_ms: 1_795_900_287_000 };
const NOW: Ran = Ran { from_ms: 1_795_986_627_000, to_ms: 1_795_986_687_000 };

fn asked(text: &str) -> Question {
    Question::of(&Sample { text: text.to_owned(), parameters: Some(Vec::new()), user: String::new(), cut: false })
        .unwrap()
}

fn columns(kinds: &[u32]) -> Piece {
    let names = ["a", "b", "c"];
    Piece::Columns(names.iter().zip(kinds).map(|(n, kind)| Column { name: (*n).to_owned(), kind: *kind }).collect())
}

fn answer(of: &Question, kinds: &[u32], rows: &[&[&str]], then: Option<&Answered>) -> Answered {
    let taking = match then {
        None => Taking::new(Seed::default(), &of.keys, vec![vec![THEN]]),
        Some(then) => {
            Taking::new(Seed::default(), &of.keys, vec![vec![THEN], vec![THEN, NOW]]).looking_for(&then.first)
        }
    };
    let mut taking = taking;
    if !rows.is_empty() {
        taking.take(columns(kinds));
    }
    let row = |row: &&[&str]| Row(row.iter().map(|v| Some((*v).to_owned())).collect());
    taking.take(Piece::Rows(rows.iter().map(row).collect()));
    taking.answered()
}

fn held(text: &str, kinds: &[u32], source: &[&[&str]], copy: &[&[&str]]) -> Held {
    let of = asked(text);
    let then = answer(&of, kinds, source, None);
    // As it was written into a file and read again.
    let then: Answered = serde_json::from_str(&serde_json::to_string(&then).unwrap()).unwrap();
    let now = answer(&of, kinds, copy, Some(&then));
    judge(&then, &now, &of)
}

#[test]
fn a_changed_row_is_laid_beside_the_source_s() {
    let source: &[&[&str]] = &[&["1", "x"], &["2", "y"], &["3", "z"]];
    let Held::Different(apart) =
        held("SELECT a, b FROM t", &[23, 25], source, &[&["3", "z"], &["2", "Y"], &["1", "x"]])
    else {
        panic!("a value differs")
    };
    let row = |v: [&str; 2]| v.map(|v| Some(v.to_owned())).to_vec();
    assert_eq!((apart.source, apart.here), (vec![row(["2", "y"])], vec![row(["2", "Y"])]));
    assert_eq!(apart.columns, ["a", "b"]);
    let Held::Different(apart) = held("SELECT a, b FROM t", &[23, 25], source, &source[..2]) else {
        panic!("a row is missing")
    };
    assert!(
        apart.why.contains("2 rows") && apart.source == vec![row(["3", "z"])] && apart.here.is_empty(),
        "{apart:?}"
    );
    let many: Vec<Vec<String>> = (0..100).map(|n| vec![n.to_string(), "x".to_owned()]).collect();
    let many: Vec<Vec<&str>> = many.iter().map(|r| r.iter().map(String::as_str).collect()).collect();
    let mut other = many.clone();
    other[77][1] = "y";
    let (many, other): (Vec<&[&str]>, Vec<&[&str]>) =
        (many.iter().map(Vec::as_slice).collect(), other.iter().map(Vec::as_slice).collect());
    let Held::Different(apart) = held("SELECT a, b FROM t", &[23, 25], &many, &other) else { panic!("far behind") };
    assert!(apart.why.contains("not among the first") && apart.source.len() == FIRST, "{apart:?}");
}

#[test]
fn an_order_counts_where_it_was_asked_for() {
    let (one, turned): (&[&[&str]], &[&[&str]]) = (&[&["1", "x"], &["2", "x"]], &[&["2", "x"], &["1", "x"]]);
    assert_eq!(held("SELECT a, b FROM t", &[23, 25], one, turned), Held::Equal);
    assert_eq!(held("SELECT a, b FROM t ORDER BY b", &[23, 25], one, turned), Held::Equal, "they are alike to it");
    assert!(matches!(held("SELECT a, b FROM t ORDER BY a", &[23, 25], one, turned), Held::Different(_)));
    assert_eq!(
        held("SELECT a, b FROM t ORDER BY lower(c)", &[23, 25], one, turned),
        Held::Open,
        "its keys are not seen"
    );
}

#[test]
fn what_a_statement_leaves_open_is_no_finding() {
    let (one, other): (&[&[&str]], &[&[&str]]) = (&[&["1", "x"]], &[&["2", "x"]]);
    assert_eq!(held("SELECT a, b FROM t LIMIT 1", &[23, 25], one, other), Held::Open);
    assert_eq!(
        held("SELECT a, b FROM t ORDER BY b LIMIT 1", &[23, 25], one, other),
        Held::Open,
        "the first of alike ones"
    );
    assert!(matches!(held("SELECT a, b FROM t ORDER BY a LIMIT 1", &[23, 25], one, other), Held::Different(_)));
    assert!(matches!(held("SELECT a, b FROM t ORDER BY b LIMIT 1", &[23, 25], one, &[]), Held::Different(_)));
}

#[test]
fn clocks_and_floats_are_told_apart_from_values() {
    let text = "SELECT a, b FROM t";
    let (then, now) = ("2026-11-28 21:10:30+00", "2026-11-29 21:10:31+00");
    assert_eq!(held(text, &[23, 1184], &[&["1", then]], &[&["1", now]]), Held::Clock);
    // A time that the application sent is the same on both, beside one of the clock.
    let sent: &[&[&str]] = &[&["1", then], &["2", "2026-11-28 21:10:40+00"]];
    assert_eq!(held(text, &[23, 1184], sent, &[&["1", now], sent[1]]), Held::Clock);
    assert!(matches!(held(text, &[23, 1184], &[&["1", "2025-01-01 00:00:00+00"]], &[&["1", now]]), Held::Different(_)));
    assert_eq!(held(text, &[23, 701], &[&["1", "0.30000000000000004"]], &[&["1", "0.3"]]), Held::Float);
    assert!(matches!(held(text, &[23, 701], &[&["1", "0.31"]], &[&["1", "0.3"]]), Held::Different(_)));
    assert!(matches!(held(text, &[23, 701], &[&["1", "NaN"]], &[&["1", "0.3"]]), Held::Different(_)));
}

#[test]
fn other_columns_are_a_difference_where_there_are_rows() {
    let of = asked("SELECT a, b FROM t");
    let then = answer(&of, &[23, 25], &[&["1", "x"]], None);
    let now = answer(&of, &[23, 23], &[&["1", "x"]], Some(&then));
    assert!(matches!(judge(&then, &now, &of), Held::Different(apart) if apart.why.contains("“b” has another type")));
    assert_eq!(held("SELECT a, b FROM t", &[23, 25], &[], &[]), Held::Equal);
}
