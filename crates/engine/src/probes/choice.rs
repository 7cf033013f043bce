//! Which tables are probed: a few of all sizes, with keys of rows that are there.

use switchyard_model::{Side, ident::TableName};

use crate::db::probes::Readable;

/// Most tables that are probed.
pub(super) const TABLES: usize = 8;

/// What both sides have of the tables in scope: those that can be probed, and why others cannot, a sentence each.
pub(super) struct Choice {
    /// As the authority has them: largest first.
    pub(super) tables: Vec<Readable>,
    /// Why not.
    pub(super) skipped: Vec<String>,
}

/// Those that both sides may read. A table that holds no rows itself, such as a partitioned one, is on neither list.
pub(super) fn readable(authority: Side, here: Vec<Readable>, there: &[Readable]) -> Choice {
    let mut choice = Choice { tables: Vec::new(), skipped: Vec::new() };
    for one in here {
        let other = there.iter().find(|o| o.table == one.table);
        let refusing = match other {
            None => {
                choice.skipped.push(format!("{} is not on the {}", one.table.plain(), authority.other()));
                continue;
            }
            Some(_) if !one.may_read => Some(authority),
            Some(o) if !o.may_read => Some(authority.other()),
            Some(_) => None,
        };
        match refusing {
            Some(side) => choice.skipped.push(may_not(&one.table, side)),
            None => choice.tables.push(one),
        }
    }
    choice
}

fn may_not(table: &TableName, side: Side) -> String {
    format!("our role may not read {} on the {side}: grant it SELECT there, or leave it out", table.plain())
}

/// At most so many of a list, spread evenly from its first to its last.
pub(super) fn spread<T>(all: Vec<T>, most: usize) -> Vec<T> {
    let count = all.len();
    if count <= most || most < 2 {
        return all.into_iter().take(most).collect();
    }
    let wanted: Vec<usize> = (0..most).map(|n| n * (count - 1) / (most - 1)).collect();
    all.into_iter().enumerate().filter(|(n, _)| wanted.contains(n)).map(|(_, one)| one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(name: &str, may_read: bool) -> Readable {
        Readable { table: TableName::new("public", name), pages: 1, may_read, key: vec![] }
    }

    #[test]
    fn tables_of_all_sizes_are_chosen() {
        assert_eq!(spread((0..100).collect(), 4), [0, 33, 66, 99], "the largest and the smallest among them");
        assert_eq!(spread(vec![1, 2], 8), [1, 2]);
        assert_eq!(spread(Vec::<i32>::new(), 8), [] as [i32; 0]);
    }

    #[test]
    fn a_table_that_one_side_keeps_from_us_is_left_out_with_a_sentence() {
        let here = vec![table("a", true), table("b", true), table("c", false), table("d", true)];
        let there = [table("a", true), table("b", false), table("c", true)];
        let choice = readable(Side::Source, here, &there);
        assert_eq!(choice.tables.iter().map(|t| t.table.plain()).collect::<Vec<_>>(), ["public.a"]);
        assert_eq!(
            choice.skipped,
            [
                "our role may not read public.b on the target: grant it SELECT there, or leave it out",
                "our role may not read public.c on the source: grant it SELECT there, or leave it out",
                "public.d is not on the target"
            ]
        );
    }
}
