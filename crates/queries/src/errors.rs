//! Errors by what failed: statement, table, application and class; with rates where calls are known.
//!
//! A failed statement is not counted by `pg_stat_statements`, so calls there are those that went well, and a statement that
//! fails each time has none.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{
    log::Entry,
    shape::{Does, Shape, id, normalised},
};

/// Kinds that are kept apart; what comes after them is counted in one sum.
const MOST_KINDS: usize = 2_000;

/// Characters of a message that are kept.
const MESSAGE: usize = 300;

/// Errors that belong together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(rename = "QueryErrorKind")]
pub struct ErrorKind {
    /// The statement's shape; None where a session failed, or where the log does not say.
    pub statement: Option<Shape>,
    /// The first table that it names; empty for none.
    pub table: String,
    /// `application_name`.
    pub application: String,
    /// The class of its SQLSTATE; empty where the log does not say.
    pub class: String,
    /// The class in words.
    pub class_name: String,
    /// Times by SQLSTATE.
    pub states: BTreeMap<String, u64>,
    /// How often.
    pub count: u64,
    /// How often the statement went well in the same time; None where nobody counts.
    pub calls: Option<f64>,
    /// Share of the statement's runs that failed in whatever way, 0–1; None where nobody counts.
    pub rate: Option<f64>,
    /// Whether it never went well.
    pub always: bool,
    /// Whether the rate is above what is tolerated for its kind.
    pub is_over: bool,
    /// When first, Unix ms.
    pub first: Option<i64>,
    /// When last, Unix ms.
    pub last: Option<i64>,
    /// The message of the first of them.
    pub example: String,
}

/// Share of failures that is tolerated: tighter than in normal operation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tolerated {
    /// Of reads, 0–1.
    pub reads: f64,
    /// Of writes, 0–1.
    pub writes: f64,
    /// So often a statement has failed, and never gone well, before it is said to fail always.
    pub always_from: u64,
}

impl Default for Tolerated {
    fn default() -> Self {
        Tolerated { reads: 0.001, writes: 0.000_1, always_from: 2 }
    }
}

/// Errors of one database as a log tells them.
#[derive(Debug, Clone, Default)]
pub struct Errors {
    database: Option<String>,
    since: Option<i64>,
    kinds: BTreeMap<(String, String, String), ErrorKind>,
    others: u64,
    total: u64,
}

impl Errors {
    /// Of this database alone where one is named, and of entries that are not older than `since` (Unix ms).
    pub fn new(database: Option<&str>, since: Option<i64>) -> Errors {
        Errors { database: database.map(str::to_owned), since, ..Errors::default() }
    }

    /// Takes an entry; those that are no errors leave no trace.
    pub fn take(&mut self, entry: &Entry<'_>) {
        if !entry.is_error() || !entry.is_of(self.database.as_deref(), self.since) {
            return;
        }
        self.total += 1;
        let text = entry.statement().map(normalised);
        let state = entry.sqlstate.as_deref().unwrap_or_default();
        let class = state.get(..2).unwrap_or_default().to_owned();
        let id = text.as_deref().map(id).unwrap_or_default();
        let key = (id, entry.application.to_string(), class.clone());
        if !self.kinds.contains_key(&key) && self.kinds.len() >= MOST_KINDS {
            self.others += 1;
            return;
        }
        let at = entry.at.map(|a| a.unix_ms);
        let kind = self.kinds.entry(key).or_insert_with(|| {
            let statement = text.map(|text| Shape::of_normalised(text).0);
            ErrorKind {
                table: statement.as_ref().and_then(|s| s.tables.first().cloned()).unwrap_or_default(),
                statement,
                application: entry.application.to_string(),
                class_name: class_name(&class).to_owned(),
                class,
                states: BTreeMap::new(),
                count: 0,
                calls: None,
                rate: None,
                always: false,
                is_over: false,
                first: at,
                last: at,
                example: entry.message.chars().take(MESSAGE).collect(),
            }
        });
        kind.count += 1;
        kind.first = [kind.first, at].into_iter().flatten().min();
        kind.last = kind.last.max(at);
        *kind.states.entry(state.to_owned()).or_default() += 1;
    }

    /// Errors in all.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Errors beyond the kinds that are kept apart.
    pub fn others(&self) -> u64 {
        self.others
    }

    /// Those that fail always first, then those above what is tolerated, then by count. `calls` is how often a shape went well
    /// in the same time, by its id; None where nobody counts.
    pub fn judged(&self, calls: impl Fn(&str) -> Option<f64>, tolerated: Tolerated) -> Vec<ErrorKind> {
        let mut failed: BTreeMap<&str, u64> = BTreeMap::new();
        for kind in self.kinds.values() {
            if let Some(shape) = &kind.statement {
                *failed.entry(&shape.id).or_default() += kind.count;
            }
        }
        let mut all: Vec<ErrorKind> = self
            .kinds
            .values()
            .cloned()
            .map(|mut kind| {
                let Some(shape) = &kind.statement else { return kind };
                let failed = failed.get(shape.id.as_str()).copied().unwrap_or_default();
                kind.calls = calls(&shape.id);
                kind.rate = kind.calls.map(|calls| failed as f64 / (failed as f64 + calls));
                kind.always = kind.calls == Some(0.0) && failed >= tolerated.always_from;
                let most = match shape.does {
                    Does::Read => tolerated.reads,
                    Does::Write | Does::Other => tolerated.writes,
                };
                kind.is_over = kind.rate.is_some_and(|rate| rate > most);
                kind
            })
            .collect();
        all.sort_by_key(|k| (!k.always, !k.is_over, std::cmp::Reverse(k.count)));
        all
    }
}

/// A class of SQLSTATE in words.
pub fn class_name(class: &str) -> &'static str {
    match class {
        "" => "not said",
        "08" => "connection",
        "0A" => "feature not supported",
        "20" | "21" => "cardinality",
        "22" => "data",
        "23" => "integrity constraint",
        "25" => "transaction state",
        "26" => "statement name",
        "28" => "login",
        "2B" => "dependent privileges",
        "2D" | "2F" | "38" | "39" => "routine",
        "34" => "cursor name",
        "3B" => "savepoint",
        "3D" => "database name",
        "3F" => "schema name",
        "40" => "transaction rolled back",
        "42" => "syntax or access",
        "44" => "check option",
        "53" => "insufficient resources",
        "54" => "program limit",
        "55" => "object not in the needed state",
        "57" => "operator intervention",
        "58" => "system",
        "F0" => "configuration file",
        "HV" => "foreign data",
        "P0" => "raised by a function",
        "XX" => "internal",
        _ => "another class",
    }
}
