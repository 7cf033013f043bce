//! A verdict with the objects that it is about, and the sentence and remedy that come from a list of them.

use super::{NAMED, count, severity};
use crate::{
    Side, UnixMs, check::Check, ident::TableName, inventory::Inventory, phase::Phase, schema::name, verdict::Verdict,
};

/// What a check answers.
pub(super) struct Answer {
    pub(super) verdict: Verdict,
    /// What it is about, as people read it; an accepted entry names them so.
    pub(super) objects: Vec<String>,
}

/// One object that is not as it has to be.
pub(super) struct Bad {
    /// Its name for people.
    pub(super) object: String,
    /// What more is to be said of it.
    pub(super) says: Option<String>,
    /// What mends it, without a semicolon at its end.
    pub(super) statement: String,
}

impl Bad {
    /// A table, or something of it.
    pub(super) fn of(table: &TableName, parts: &[&String], statement: String) -> Bad {
        let mut path = vec![&table.schema, &table.name];
        path.extend(parts);
        Bad { object: shown(&path), says: None, statement }
    }

    fn told(&self) -> String {
        match &self.says {
            Some(says) => format!("{} ({says})", self.object),
            None => self.object.clone(),
        }
    }
}

impl From<Verdict> for Answer {
    fn from(verdict: Verdict) -> Self {
        Answer { verdict, objects: Vec::new() }
    }
}

impl Answer {
    /// Passes where nothing is bad: `2 triggers set to fire …: public.t.a, public.t.b`.
    pub(super) fn none_of(good: &str, are: &str, noun: &str, bad: impl Iterator<Item = Bad>, before: &str) -> Answer {
        let bad: Vec<Bad> = bad.collect();
        let lead = format!("{} {are}", count(bad.len(), noun));
        Answer::told(good.to_owned(), lead, bad, before)
    }

    /// The same with a sentence that does not count.
    pub(super) fn told(good: String, lead: String, bad: Vec<Bad>, before: &str) -> Answer {
        if bad.is_empty() {
            return Verdict::pass(good).into();
        }
        let first: Vec<String> = bad.iter().take(NAMED).map(Bad::told).collect();
        let more = match bad.len().saturating_sub(NAMED) {
            0 => String::new(),
            n => format!(" and {n} more"),
        };
        let mut statements: Vec<&str> = bad.iter().map(|b| b.statement.as_str()).collect();
        statements.dedup();
        let remedy = format!("{before}{};", statements.join("; "));
        let objects = bad.iter().map(|b| b.object.clone()).collect();
        Answer { verdict: Verdict::fail(format!("{lead}: {}{more}", first.join(", ")), remedy), objects }
    }

    /// The check on one side.
    pub(super) fn on(self, side: Side, name: &str, title: String, inventory: &Inventory) -> Check {
        self.check(&format!("{side}.{name}"), title, inventory.at)
    }

    /// The check on both; as old as the older reading.
    pub(super) fn between(self, id: &str, title: String, source: &Inventory, target: &Inventory) -> Check {
        self.check(id, title, source.at.min(target.at))
    }

    fn check(self, id: &str, title: String, at: UnixMs) -> Check {
        let check = Check::computed(id, Phase::SchemaAnalysis, title, self.verdict, Some(at));
        Check { severity: severity::of(id).map(|i| i.severity), objects: self.objects, ..check }
    }
}

/// A path for people.
pub(super) fn shown(path: &[&String]) -> String {
    path.iter().map(|part| name::part_of_name(part)).collect::<Vec<_>>().join(".")
}
