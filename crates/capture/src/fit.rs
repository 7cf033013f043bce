//! What a statement is to a replay: which shape, whether it begins or ends a transaction, and whether it can be played at all.

use std::{collections::HashMap, sync::Arc};

use switchyard_queries::shape::{Does, Shape, normalised};

/// So many shapes are remembered; a database with more has names in its statements.
const MOST: usize = 20_000;

/// What is known of a statement by its shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kind {
    /// Its shape.
    pub shape: Shape,
    /// Why it is not played; None where it is.
    pub unfit: Option<&'static str>,
    /// Whether the order of its rows is asked for.
    pub is_ordered: bool,
    /// What it does to its session's transaction.
    pub bounds: Bounds,
}

/// What a statement does to a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bounds {
    /// Nothing.
    Nothing,
    /// Begins one.
    Begins,
    /// Ends one.
    Ends,
    /// Several statements, with a begin or an end among them.
    Mixed,
}

/// Kinds by text, each worked out once.
#[derive(Debug, Default)]
pub struct Kinds {
    known: HashMap<String, Arc<Kind>>,
}

impl Kinds {
    /// The kind of a text.
    pub fn of(&mut self, text: &str) -> Arc<Kind> {
        let plain = normalised(text);
        if let Some(kind) = self.known.get(&plain) {
            return kind.clone();
        }
        let kind = Arc::new(Kind::of_normalised(&plain));
        if self.known.len() < MOST {
            self.known.insert(plain, kind.clone());
        }
        kind
    }
}

impl Kind {
    /// Of any text.
    pub fn of(text: &str) -> Kind {
        Kind::of_normalised(&normalised(text))
    }

    fn of_normalised(plain: &str) -> Kind {
        let parts: Vec<&str> = plain.split(';').map(str::trim).filter(|p| !p.is_empty()).collect();
        let bounds = match parts.as_slice() {
            [one] => bounds(one),
            many if many.iter().any(|p| bounds(p) != Bounds::Nothing) => Bounds::Mixed,
            _ => Bounds::Nothing,
        };
        let shape = Shape::of(plain);
        let unfit = parts.iter().find_map(|p| unfit(p)).or_else(|| calls(plain));
        Kind { is_ordered: shape.does != Does::Other && is_ordered(plain), shape, unfit, bounds }
    }
}

fn bounds(part: &str) -> Bounds {
    let mut words = part.split([' ', '(']);
    match (words.next().unwrap_or_default(), words.next().unwrap_or_default()) {
        ("begin", _) | ("start", "transaction") => Bounds::Begins,
        ("rollback" | "abort", _) if part.split(' ').any(|w| w == "to") => Bounds::Nothing,
        ("commit" | "rollback", "prepared") => Bounds::Nothing,
        ("commit" | "end" | "rollback" | "abort", _) => Bounds::Ends,
        _ => Bounds::Nothing,
    }
}

/// Of one statement, by its first words. A scratch copy may lie on a server that serves others, so whatever is of the whole
/// server is left alone.
fn unfit(part: &str) -> Option<&'static str> {
    const SERVER: &str = "It changes the whole server, not only this database.";
    let mut words = part.split([' ', '(']);
    let (first, second) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let third = words.next().unwrap_or_default();
    match (first, second) {
        ("copy", _) => Some("It copies: a log has none of COPY's rows, and files are the server's."),
        ("create" | "alter" | "drop", "user") if third == "mapping" => None,
        (
            "create" | "alter" | "drop",
            "database" | "role" | "user" | "group" | "tablespace" | "system" | "subscription" | "publication",
        )
        | ("drop" | "reassign", "owned")
        | ("checkpoint" | "load", _) => Some(SERVER),
        ("grant" | "revoke", _) if !part.split(' ').any(|w| w == "on") => Some(SERVER),
        ("prepare", "transaction") | ("commit" | "rollback", "prepared") => {
            Some("It belongs to a transaction in two phases, whose other half may not be in the capture.")
        }
        ("start_replication" | "create_replication_slot" | "identify_system" | "base_backup", _) => Some(SERVER),
        _ => None,
    }
}

/// Functions that reach out of the database.
fn calls(plain: &str) -> Option<&'static str> {
    const OUT: [&str; 17] = [
        "pg_terminate_backend",
        "pg_cancel_backend",
        "pg_reload_conf",
        "pg_rotate_logfile",
        "pg_promote",
        "pg_switch_wal",
        "pg_create_restore_point",
        "pg_backup_start",
        "pg_backup_stop",
        "pg_create_logical_replication_slot",
        "pg_create_physical_replication_slot",
        "pg_drop_replication_slot",
        "pg_logical_slot_get_changes",
        "pg_replication_slot_advance",
        "dblink_exec",
        "lo_export",
        "pg_stat_reset",
    ];
    let found = OUT.iter().any(|name| plain.contains(name));
    found.then_some("It calls a function that reaches out of this database.")
}

/// Whether ORDER BY stands outside of any parentheses.
fn is_ordered(plain: &str) -> bool {
    let (mut depth, mut before) = (0_i32, "");
    for word in plain.split(' ') {
        if depth == 0 && before == "order" && word == "by" {
            return true;
        }
        depth += word.matches('(').count() as i32 - word.matches(')').count() as i32;
        before = word;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_begins_and_ends_a_transaction_is_told() {
        for (text, is) in [
            ("BEGIN", Bounds::Begins),
            ("begin isolation level serializable", Bounds::Begins),
            ("/* app */ START TRANSACTION READ ONLY", Bounds::Begins),
            ("COMMIT;", Bounds::Ends),
            ("END", Bounds::Ends),
            ("ROLLBACK", Bounds::Ends),
            ("ROLLBACK TO SAVEPOINT a", Bounds::Nothing),
            ("ROLLBACK TO a", Bounds::Nothing),
            ("SAVEPOINT a", Bounds::Nothing),
            ("SELECT 'BEGIN'", Bounds::Nothing),
            ("BEGIN; SELECT 1; COMMIT", Bounds::Mixed),
            ("SELECT 1; SELECT ';'", Bounds::Nothing),
        ] {
            assert_eq!(Kind::of(text).bounds, is, "{text}");
        }
    }

    #[test]
    fn what_reaches_out_of_the_database_is_not_played() {
        for text in [
            "COPY t FROM STDIN",
            "ALTER SYSTEM SET work_mem = '1GB'",
            "DROP DATABASE shop",
            "create role x",
            "GRANT a TO b",
            "SELECT pg_terminate_backend(1)",
            "SELECT 1; DROP ROLE x",
            "PREPARE TRANSACTION 'x'",
        ] {
            assert!(Kind::of(text).unfit.is_some(), "{text}");
        }
        for text in ["GRANT SELECT ON t TO b", "CREATE USER MAPPING FOR x SERVER y", "DROP TABLE t", "SELECT 'copy'"] {
            assert_eq!(Kind::of(text).unfit, None, "{text}");
        }
    }

    #[test]
    fn an_order_within_is_none_of_the_rows() {
        assert!(Kind::of("SELECT * FROM t ORDER BY a").is_ordered);
        assert!(!Kind::of("SELECT * FROM (SELECT a FROM t ORDER BY a) x").is_ordered);
        assert!(!Kind::of("SELECT array_agg(a ORDER BY a) FROM t").is_ordered);
    }
}
