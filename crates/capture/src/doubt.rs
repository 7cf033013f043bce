//! When a copy may answer otherwise although nothing is wrong with it.
//!
//! A copy that goes through the same statements in the order in which they ended has the source's rows, but for what gives another
//! value each time, what was not played, and what the order of ends does not tell. Whoever reads what such a statement has written
//! may be answered otherwise. This keeps book of that, by tables; where it is not known which, of all.

use std::collections::{HashMap, HashSet};

use switchyard_queries::shape::{Does, Shape};

use crate::{
    fit::{Bounds, Kind},
    record::Captured,
};

/// Shapes whose effects are remembered.
const MOST: usize = 20_000;

/// What the catalog of the copy says of what statements do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Effects {
    /// Tables, by their names without schemas. Of two that have the same name it holds what holds of either.
    pub tables: HashMap<String, Table>,
    /// Functions that are volatile, by their names.
    pub volatile: HashSet<String>,
    /// Functions of the application that are not immutable: those that are volatile may write.
    pub own: HashSet<String>,
}

/// What the catalog says of a table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Table {
    /// Whether a row that is put into it gets values that are others each time.
    pub wavers: bool,
    /// Whether a write to it does what nobody sees: triggers, rules; or it is no table.
    pub hides: bool,
    /// Tables that change with it: parts, what it is a part of, and what foreign keys change.
    pub with: Vec<String>,
}

/// How a statement went on the copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Went {
    /// As on the source.
    Alike,
    /// It failed, and had not, or the other way round.
    Unlike,
    /// It was not played.
    LeftOut,
    /// It had not ended when the next one began.
    Late,
}

const UNLIKE: &str =
    "A statement that wrote to one of its tables went otherwise here than on the source, so its rows are others.";
const LEFT_OUT: &str = "A statement that wrote to one of its tables was left out of the replay.";
const LATE: &str = "A statement that wrote to one of its tables had not ended here when the next one began, so their order may be another.";
const WAVERS: &str =
    "One of its tables was written to by what gives another value each time: now(), sequences, random(), triggers.";
const BESIDE: &str =
    "One of its tables was written to by a statement that read rows which another session wrote at the same time.";
const BEGAN_BEFORE: &str =
    "One of its tables was written to by a transaction whose begin is not in the capture, so it was played in pieces.";
const UNKNOWN: &str =
    "Something was played of which it is not known what it wrote: a function, a procedure, or a changed definition.";

/// What a statement may have written.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Effect {
    Nothing,
    Writes(Writes),
    Unknown,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Writes {
    /// All that it names.
    tables: Vec<String>,
    inserts: bool,
    /// Whether it may read other rows than those that it writes.
    reads: bool,
    /// Whether what it writes is another thing each time.
    wavers: bool,
}

/// One session's transaction.
#[derive(Debug, Default)]
struct Open {
    begun: bool,
    wrote: Vec<String>,
}

/// The book.
#[derive(Debug)]
pub struct Doubts {
    effects: Effects,
    /// By the ids of shapes.
    known: HashMap<String, Vec<Effect>>,
    everything: Option<&'static str>,
    tables: HashMap<String, &'static str>,
    open: HashMap<String, Open>,
    /// What sessions wrote of which no transaction has begun yet: one may have begun before the capture.
    before: HashMap<String, Vec<String>>,
    /// The last two sessions that wrote to a table, and when that ended.
    ended: HashMap<String, Vec<(String, i64)>>,
}

impl Doubts {
    /// Of a copy on which nothing was played.
    pub fn new(effects: Effects) -> Doubts {
        Doubts {
            effects,
            known: HashMap::new(),
            everything: None,
            tables: HashMap::new(),
            open: HashMap::new(),
            before: HashMap::new(),
            ended: HashMap::new(),
        }
    }

    /// Why an answer that depends on these tables may be another one; None where it must not be.
    pub fn of(&self, tables: &[String], any_table: bool) -> Option<&'static str> {
        let any = || self.tables.values().next().filter(|_| any_table).copied();
        self.everything.or_else(|| tables.iter().find_map(|t| self.tables.get(t)).copied()).or_else(any)
    }

    /// A statement went like this; statements in the order in which they are played.
    pub fn after(&mut self, one: &Captured, kind: &Kind, went: Went) {
        let failed_alike = one.sqlstate.is_some() && went == Went::Alike;
        if !failed_alike {
            for effect in self.effects_of(kind) {
                match effect {
                    Effect::Nothing => {}
                    Effect::Unknown => self.doubt_all(match went {
                        Went::Alike => UNKNOWN,
                        Went::Unlike => UNLIKE,
                        Went::LeftOut => LEFT_OUT,
                        Went::Late => LATE,
                    }),
                    Effect::Writes(writes) => self.wrote(one, &writes, went),
                }
            }
        }
        // What its transaction had written is gone here, or there; or nobody sees it yet.
        let of_all = match went {
            Went::Unlike => Some(UNLIKE),
            Went::Late => Some(LATE),
            Went::Alike | Went::LeftOut => None,
        };
        if let Some(why) = of_all {
            let wrote = self.open.get(&one.session).map(|o| o.wrote.clone()).unwrap_or_default();
            self.doubt(&wrote, why);
        }
        self.bounds(one, kind.bounds);
    }

    fn wrote(&mut self, one: &Captured, writes: &Writes, went: Went) {
        let reach = self.reach(&writes.tables);
        let of = |table: &String| self.effects.tables.get(table);
        let wavers =
            writes.wavers || says_now(&one.text) || writes.inserts && reach.iter().filter_map(of).any(|t| t.wavers);
        let hides = reach.iter().filter_map(of).any(|t| t.hides);
        let spreads = writes.reads && writes.tables.iter().any(|t| self.tables.contains_key(t));
        let beside = writes.reads && writes.tables.iter().any(|t| self.is_beside(t, one));
        let hazard = match went {
            Went::Unlike => Some(UNLIKE),
            Went::LeftOut => Some(LEFT_OUT),
            Went::Late => Some(LATE),
            Went::Alike if wavers || hides || spreads => Some(WAVERS),
            Went::Alike if beside => Some(BESIDE),
            Went::Alike => None,
        };
        match hazard {
            Some(why) if hides => self.doubt_all(why),
            Some(why) => self.doubt(&reach, why),
            None => {}
        }
        let end_us = one.end_us();
        for table in &reach {
            self.note_end(table, &one.session, end_us);
        }
        let open = self.open.entry(one.session.clone()).or_default();
        if !open.begun {
            let before = self.before.entry(one.session.clone()).or_default();
            let new = reach.iter().filter(|table| !before.contains(table)).cloned().collect::<Vec<_>>();
            before.extend(new);
        }
        open.wrote.extend(reach);
    }

    /// All tables that change with these.
    fn reach(&self, tables: &[String]) -> Vec<String> {
        let mut reach: Vec<String> = Vec::new();
        let mut next: Vec<&String> = tables.iter().collect();
        while let Some(table) = next.pop() {
            if reach.contains(table) {
                continue;
            }
            reach.push(table.clone());
            next.extend(self.effects.tables.get(table).iter().flat_map(|t| &t.with));
        }
        reach
    }

    fn doubt(&mut self, tables: &[String], why: &'static str) {
        for table in tables {
            self.tables.entry(table.clone()).or_insert(why);
        }
    }

    fn doubt_all(&mut self, why: &'static str) {
        self.everything.get_or_insert(why);
    }

    /// Whether another session's write to this table ended after this one had begun.
    fn is_beside(&self, table: &str, one: &Captured) -> bool {
        let ended = self.ended.get(table);
        ended.is_some_and(|all| all.iter().any(|(session, end)| *session != one.session && *end > one.at_us))
    }

    fn note_end(&mut self, table: &str, session: &str, end_us: i64) {
        let all = self.ended.entry(table.to_owned()).or_default();
        all.retain(|(s, _)| s != session);
        all.insert(0, (session.to_owned(), end_us));
        all.truncate(2);
    }

    /// What it does to its session's transaction.
    fn bounds(&mut self, one: &Captured, bounds: Bounds) {
        let open = self.open.entry(one.session.clone()).or_default();
        open.begun |= bounds == Bounds::Begins;
        if bounds == Bounds::Begins {
            self.before.insert(one.session.clone(), Vec::new());
        }
        if open.begun && bounds != Bounds::Ends {
            return;
        }
        if !open.begun && bounds == Bounds::Ends {
            let wrote = self.before.get(&one.session).cloned().unwrap_or_default();
            self.doubt(&wrote, BEGAN_BEFORE);
        }
        // Others see what it wrote from here on.
        let wrote = self.open.remove(&one.session).map(|o| o.wrote).unwrap_or_default();
        wrote.iter().for_each(|table| self.note_end(table, &one.session, one.end_us()));
    }

    fn effects_of(&mut self, kind: &Kind) -> Vec<Effect> {
        if let Some(known) = self.known.get(&kind.shape.id) {
            return known.clone();
        }
        let parts = kind.shape.text.split(';').map(str::trim).filter(|p| !p.is_empty());
        let all: Vec<Effect> = parts.map(|p| self.effects.of(p)).collect();
        if self.known.len() < MOST {
            self.known.insert(kind.shape.id.clone(), all.clone());
        }
        all
    }
}

/// Whether it says “now” in a text, which is no constant.
fn says_now(text: &str) -> bool {
    let lower = text.to_lowercase();
    ["'now'", "'today'", "'tomorrow'", "'yesterday'"].iter().any(|word| lower.contains(word))
}

impl Effects {
    /// Of one statement, without its values.
    fn of(&self, part: &str) -> Effect {
        let mut words = part.split(|c: char| c.is_whitespace() || c == '(').filter(|w| !w.is_empty());
        let (first, second) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let (shape, facts) = Shape::with_facts(part);
        let calls = calls(part);
        let hides = calls.iter().any(|c| self.own.contains(c) && self.volatile.contains(c));
        match (first, second) {
            _ if hides => Effect::Unknown,
            (
                "begin" | "start" | "commit" | "end" | "rollback" | "abort" | "savepoint" | "release" | "set" | "reset"
                | "show" | "discard" | "deallocate" | "prepare" | "listen" | "unlisten" | "notify" | "vacuum"
                | "analyze" | "declare" | "fetch" | "close" | "lock" | "checkpoint" | "comment",
                _,
            ) => Effect::Nothing,
            ("explain", _) if !part.contains("analyze") => Effect::Nothing,
            ("create", "temp" | "temporary") => Effect::Nothing,
            ("copy", table) => match part.contains(" from ") {
                true => Effect::Writes(Writes { tables: vec![bare(table)], inserts: true, ..Writes::default() }),
                false => Effect::Nothing,
            },
            _ => match shape.does {
                Does::Read => Effect::Nothing,
                Does::Other => Effect::Unknown,
                Does::Write if first == "select" && part.contains(" into ") => Effect::Unknown,
                Does::Write if first == "select" && !writes_within(part) => Effect::Nothing,
                Does::Write if facts.tables.is_empty() => Effect::Unknown,
                Does::Write => {
                    let wavering = |c: &String| self.volatile.contains(c) || self.own.contains(c);
                    let reads = part.contains("select ") || facts.tables.len() > 1 || first == "merge";
                    Effect::Writes(Writes {
                        tables: facts.tables.iter().map(|t| bare(t)).collect(),
                        inserts: first != "update" && first != "delete",
                        reads,
                        wavers: calls.iter().any(wavering)
                            || has_word(part, OF_THE_MOMENT)
                            || part.contains("skip locked"),
                    })
                }
            },
        }
    }
}

/// Words that make what is written depend on the time or on what others do just then.
const OF_THE_MOMENT: &[&str] = &[
    "now",
    "current_date",
    "current_time",
    "current_timestamp",
    "localtime",
    "localtimestamp",
    "transaction_timestamp",
    "statement_timestamp",
    "limit",
    "nowait",
];

fn writes_within(part: &str) -> bool {
    has_word(part, &["insert", "delete", "merge", "set"])
}

fn has_word(part: &str, words: &[&str]) -> bool {
    part.split(|c: char| !(c.is_alphanumeric() || c == '_')).any(|w| words.contains(&w))
}

/// Names before a parenthesis, without their schemas. Names of tables and columns may be among them.
fn calls(part: &str) -> Vec<String> {
    let mut out = Vec::new();
    for (at, _) in part.match_indices('(') {
        let before = part.get(..at).unwrap_or_default().trim_end();
        let begin = before.rfind(|c: char| !(c.is_alphanumeric() || c == '_' || c == '"')).map_or(0, |i| i + 1);
        let name = before.get(begin..).unwrap_or_default().trim_matches('"');
        if !name.is_empty() {
            out.push(name.to_owned());
        }
    }
    out
}

/// Without its schema.
fn bare(table: &str) -> String {
    table.rsplit('.').next().unwrap_or(table).trim_matches('"').to_owned()
}

#[cfg(test)]
mod tests;
