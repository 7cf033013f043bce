//! Results compared while they arrive: what a difference is called, and that nothing is held of a long result.
#![allow(clippy::unwrap_used, clippy::panic)]

use switchyard_shadow::{
    Class, Column, Judged, Piece, Row,
    compare::{Compared, Key, compare},
    judge::{Known, judge},
};
use tokio::sync::mpsc::{Receiver, channel};

const INT: u32 = 23;
const TEXT: u32 = 25;
const FLOAT: u32 = 701;

fn row(values: &[&str]) -> Row {
    Row(values.iter().map(|v| (*v != "NULL").then(|| (*v).to_owned())).collect())
}

/// A result that comes in pieces of so many rows.
fn result(kinds: &[u32], rows: Vec<Row>, piece: usize) -> Receiver<Piece> {
    let (to, from) = channel(2);
    let columns = kinds.iter().enumerate().map(|(i, k)| Column { name: format!("c{i}"), kind: *k }).collect::<Vec<_>>();
    tokio::spawn(async move {
        let _ = to.send(Piece::Columns(columns)).await;
        for some in rows.chunks(piece) {
            let _ = to.send(Piece::Rows(some.to_vec())).await;
        }
    });
    from
}

async fn compared(kinds: &[u32], source: &[&[&str]], target: &[&[&str]], keys: &[Key]) -> Compared {
    let rows = |all: &[&[&str]]| all.iter().map(|r| row(r)).collect::<Vec<_>>();
    compare(result(kinds, rows(source), 3), result(kinds, rows(target), 2), keys).await
}

async fn class(kinds: &[u32], source: &[&[&str]], target: &[&[&str]], keys: &[Key], known: Known) -> Option<Class> {
    judge(&compared(kinds, source, target, keys).await, &known).map(|j| j.class)
}

fn ordered() -> Known {
    Known { ordered: true, ..Known::default() }
}

#[tokio::test]
async fn each_difference_has_its_name() {
    let any = Known::default;
    let a: &[&[&str]] = &[&["1", "x"], &["2", "y"], &["3", "z"]];
    assert_eq!(class(&[INT, TEXT], a, a, &[], any()).await, None);
    let b: &[&[&str]] = &[&["1", "x"], &["2", "Y"], &["3", "z"]];
    assert_eq!(class(&[INT, TEXT], a, b, &[], any()).await, Some(Class::Value));
    assert_eq!(class(&[INT, TEXT], a, &a[..2], &[], any()).await, Some(Class::Missing));
    assert_eq!(class(&[INT, TEXT], &a[1..], a, &[], any()).await, Some(Class::Extra));
    let turned: &[&[&str]] = &[a[2], a[0], a[1]];
    assert_eq!(class(&[INT, TEXT], a, turned, &[], any()).await, Some(Class::Order), "nobody asked for an order");
    let null: &[&[&str]] = &[&["1", "NULL"]];
    let empty: &[&[&str]] = &[&["1", ""]];
    assert_eq!(class(&[INT, TEXT], null, empty, &[], any()).await, Some(Class::Value), "NULL is no empty text");
}

#[tokio::test]
async fn duplicates_do_not_cancel() {
    let twice: &[&[&str]] = &[&["1"], &["1"], &["2"]];
    let other: &[&[&str]] = &[&["1"], &["2"], &["2"]];
    assert_eq!(class(&[INT], twice, other, &[], Known::default()).await, Some(Class::Value));
}

#[tokio::test]
async fn an_order_that_was_asked_for_is_told_apart_from_ties() {
    let source: &[&[&str]] = &[&["a", "1"], &["B", "2"]];
    let target: &[&[&str]] = &[&["B", "2"], &["a", "1"]];
    let by_text = [Key::At(0)];
    assert_eq!(class(&[TEXT, INT], source, target, &by_text, ordered()).await, Some(Class::Collation));
    let by_number = [Key::At(1)];
    assert_eq!(class(&[TEXT, INT], source, target, &by_number, ordered()).await, Some(Class::Value));
    let source: &[&[&str]] = &[&["a", "1"], &["a", "2"]];
    let target: &[&[&str]] = &[&["a", "2"], &["a", "1"]];
    assert_eq!(class(&[TEXT, INT], source, target, &by_text, ordered()).await, Some(Class::Order), "equal keys");
}

#[tokio::test]
async fn floats_may_differ_by_what_adding_costs_and_no_more() {
    let near: &[&[&str]] = &[&["1", "0.3"], &["2", "1e10"]];
    let source: &[&[&str]] = &[&["1", "0.30000000000000004"], &["2", "1e10"]];
    assert_eq!(class(&[INT, FLOAT], source, near, &[], Known::default()).await, Some(Class::Float));
    let far: &[&[&str]] = &[&["1", "0.301"], &["2", "1e10"]];
    assert_eq!(class(&[INT, FLOAT], source, far, &[], Known::default()).await, Some(Class::Value));
    let other: &[&[&str]] = &[&["7", "0.3"], &["2", "1e10"]];
    assert_eq!(class(&[INT, FLOAT], source, other, &[], Known::default()).await, Some(Class::Value), "the rest counts");
}

#[tokio::test]
async fn a_cut_leaves_open_which_rows_there_are() {
    let limited = |ordered| Known { ordered, limited: true, ..Known::default() };
    let (source, target): (&[&[&str]], &[&[&str]]) = (&[&["a", "1"]], &[&["a", "2"]]);
    assert_eq!(class(&[TEXT, INT], source, target, &[], limited(false)).await, Some(Class::Order));
    assert_eq!(class(&[TEXT, INT], source, target, &[Key::At(0)], limited(true)).await, Some(Class::Order));
    assert_eq!(class(&[TEXT, INT], source, target, &[Key::At(1)], limited(true)).await, Some(Class::Value));
}

#[tokio::test]
async fn a_long_result_shows_the_one_row_that_differs() {
    let rows = |odd: usize| -> Vec<Row> {
        let value = |n: usize| if n == odd { "other".to_owned() } else { format!("note {n}") };
        (0..100_000).map(|n| Row(vec![Some(n.to_string()), Some(value(n))])).collect()
    };
    let compared =
        compare(result(&[INT, TEXT], rows(77_777), 256), result(&[INT, TEXT], rows(usize::MAX), 100), &[]).await;
    let Judged { class, source, target, .. } = judge(&compared, &Known::default()).unwrap();
    assert_eq!(class, Class::Value);
    assert_eq!((source.len(), target.len()), (1, 1), "one row, and not all that follow it");
    assert_eq!(source[0], vec![Some("77777".to_owned()), Some("other".to_owned())]);
    // A row less at the begin shifts all others, and is still one row.
    let shifted = rows(usize::MAX).split_off(1);
    let compared = compare(result(&[INT, TEXT], rows(usize::MAX), 256), result(&[INT, TEXT], shifted, 100), &[]).await;
    let judged = judge(&compared, &Known::default()).unwrap();
    assert_eq!((judged.class, judged.source.len(), judged.target.len()), (Class::Missing, 1, 0));
}
