//! The normaliser on whatever text there is.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

use std::collections::BTreeSet;

use proptest::prelude::*;
use switchyard_queries::shape::{Shape, normalised};

/// Pieces of which statements are made, and of which broken ones are.
const PIECES: [&str; 44] = [
    "select", "SELECT", "from", "where", "in", "(", ")", "[", "]", ",", ";", ".", ":", "::", "$1", "$", "$$", "$a$",
    "'x'", "'", "E'\\'", "\"Q\"", "\"", "1", "-1", "1.5e", ".5", "..", "a", "b.c", "values", "array", "null", "true",
    "is", "not", "-", "+", "--", "/*", "*/", "?", "@-", "ü",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    /// Normalising what is normal changes nothing, and a statement made of pieces is normal after one pass.
    #[test]
    fn normalising_twice_is_as_once(pieces in proptest::collection::vec((0..PIECES.len(), any::<bool>()), 0..24)) {
        let text: String = pieces.iter().map(|(i, space)| format!("{}{}", PIECES[*i], if *space { " " } else { "" })).collect();
        let once = normalised(&text);
        prop_assert_eq!(&normalised(&once), &once, "from {}", text);
    }

    /// No text makes it fail.
    #[test]
    fn any_text_has_a_shape(text in "\\PC{0,200}") {
        let shape = Shape::of(&text);
        prop_assert_eq!(shape.id.len(), 16);
        prop_assert_eq!(&normalised(&shape.text), &shape.text);
    }

    /// Values and spaces make no other statement.
    #[test]
    fn values_make_no_other_shape(n in any::<i64>(), m in "[a-z' ]{0,12}", list in proptest::collection::vec(any::<i32>(), 1..9)) {
        let quoted = m.replace('\'', "''");
        let list: Vec<String> = list.iter().map(i32::to_string).collect();
        let text = format!("SELECT  a FROM t WHERE b={n} AND c = '{quoted}'\n AND d in ({})", list.join(" , "));
        prop_assert_eq!(normalised(&text), "select a from t where b = $1 and c = $2 and d in ($3)");
    }
}

#[test]
fn two_servers_name_their_statements_alike() {
    let shapes = |text: &str| -> BTreeSet<String> {
        // A statement may go over lines; each begins with its calls.
        let mut all: Vec<String> = Vec::new();
        for line in text.lines() {
            match line.split_once('|').filter(|(calls, _)| calls.parse::<u32>().is_ok()) {
                Some((_, statement)) => all.push(statement.to_owned()),
                None => all.last_mut().unwrap().push_str(&format!("\n{line}")),
            }
        }
        all.iter().map(|s| Shape::of(s).text).collect()
    };
    let (old, new) =
        (shapes(include_str!("samples/statements15.txt")), shapes(include_str!("samples/statements18.txt")));
    assert_eq!(old, new, "PostgreSQL 15 keeps lists and settings that 18 folds");
}

#[test]
fn brackets_without_end_take_no_stack() {
    for open in ["(", "values (", "in (", "array[", "select (", "/*", "["] {
        let _ = Shape::of(&open.repeat(100_000));
    }
}
