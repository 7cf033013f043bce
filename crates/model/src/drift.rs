//! Tables that were altered while a migration carries them. Pure.
//!
//! A stream carries rows and no DDL: a column that one side has and the other has not breaks it with the first row that is
//! written, or loses what is in it. So a table has to stay as it was when replication began, or be the same on both sides.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Side, ident::TableName};

/// What a table looks like to a stream: its columns, their types, NOT NULL, its key and its replica identity, in a text
/// that is the same on every version. By the quoted name: `a."b.c"` is not `"a.b".c`.
pub type Shapes = BTreeMap<String, String>;

/// Both sides at one time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Both {
    /// The source's.
    pub source: Shapes,
    /// The target's.
    pub target: Shapes,
}

impl Both {
    /// One side's.
    pub fn on(&self, side: Side) -> &Shapes {
        match side {
            Side::Source => &self.source,
            Side::Target => &self.target,
        }
    }
}

/// What became of a table since replication began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drifted {
    /// `schema.table`.
    pub table: String,
    /// What happened, without the table's name: `was altered on the source`.
    pub what: String,
}

/// Tables in scope that are no longer as they were, and not the same on both sides either.
pub fn drifted(tables: &[TableName], before: &Both, now: &Both) -> Vec<Drifted> {
    let mut out = Vec::new();
    for table in tables {
        let name = table.to_string();
        let shape = |both: &'_ Both, side: Side| both.on(side).get(&name).cloned();
        let changed: Vec<Side> =
            [Side::Source, Side::Target].into_iter().filter(|s| shape(before, *s) != shape(now, *s)).collect();
        let (here, there) = (shape(now, Side::Source), shape(now, Side::Target));
        // The same change on both sides is how it is meant to be done.
        if changed.is_empty() || here.is_some() && here == there {
            continue;
        }
        let word = |side: &Side| {
            let verb = match (shape(before, *side), shape(now, *side)) {
                (Some(_), None) => "dropped or renamed",
                (None, _) => "made",
                (Some(_), Some(_)) => "altered",
            };
            format!("{verb} on the {side}")
        };
        let words: Vec<String> = changed.iter().map(word).collect();
        out.push(Drifted { table: table.plain(), what: format!("was {}", words.join(" and ")) });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both(source: &[(&str, &str)], target: &[(&str, &str)]) -> Both {
        let shapes = |list: &[(&str, &str)]| {
            list.iter().map(|(t, s)| (TableName::new("public", *t).to_string(), (*s).to_owned())).collect()
        };
        Both { source: shapes(source), target: shapes(target) }
    }

    fn said(before: &Both, now: &Both) -> Vec<String> {
        let tables = [TableName::new("public", "a"), TableName::new("public", "b")];
        drifted(&tables, before, now).into_iter().map(|d| format!("{} {}", d.table, d.what)).collect()
    }

    #[test]
    fn a_table_that_stays_as_it_was_may_differ_between_the_sides() {
        let before = both(&[("a", "x"), ("b", "x")], &[("a", "x"), ("b", "x, extra")]);
        assert_eq!(said(&before, &before), Vec::<String>::new(), "the target had its column when replication began");
    }

    #[test]
    fn a_change_on_one_side_is_told_until_the_other_has_it_too() {
        let before = both(&[("a", "x"), ("b", "x")], &[("a", "x"), ("b", "x")]);
        let one = both(&[("a", "x, y"), ("b", "x")], &[("a", "x"), ("b", "x")]);
        assert_eq!(said(&before, &one), ["public.a was altered on the source"]);
        let two = both(&[("a", "x, y"), ("b", "x")], &[("a", "x, y"), ("b", "x")]);
        assert_eq!(said(&before, &two), Vec::<String>::new());
        let unlike = both(&[("a", "x, y"), ("b", "x")], &[("a", "x, z"), ("b", "x")]);
        assert_eq!(said(&before, &unlike), ["public.a was altered on the source and altered on the target"]);
    }

    #[test]
    fn a_table_that_is_gone_is_told_even_when_it_is_gone_on_both_sides() {
        let before = both(&[("a", "x"), ("b", "x")], &[("a", "x"), ("b", "x")]);
        let gone = both(&[("a", "x")], &[("a", "x")]);
        assert_eq!(
            said(&before, &gone),
            ["public.b was dropped or renamed on the source and dropped or renamed on the target"]
        );
    }
}
