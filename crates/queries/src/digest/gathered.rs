//! What is held while a digest is read: one sum per statement, however long the file.

use std::collections::BTreeMap;

use super::{Digest, Failed, Kind, Statement};
use crate::{
    errors::class_name,
    shape::{Shape, id, normalised},
};

/// Statements that are kept apart.
const MOST: usize = 20_000;

/// Kinds of errors that are kept apart.
const ERRORS: usize = 2_000;

/// One entry of a tool, in ms.
#[derive(Debug, Default)]
pub(super) struct Entry {
    pub(super) calls: f64,
    pub(super) total: Option<f64>,
    pub(super) min: Option<f64>,
    pub(super) max: Option<f64>,
    pub(super) p50: Option<f64>,
    pub(super) p95: Option<f64>,
}

struct Sum {
    text: String,
    entry: Entry,
}

/// See the module.
#[derive(Default)]
pub(super) struct Gathered {
    pub(super) kind: Option<Kind>,
    pub(super) logs: Vec<String>,
    pub(super) from: Option<String>,
    pub(super) to: Option<String>,
    /// What the tool itself counted, where it lists not all.
    pub(super) of_calls: Option<f64>,
    pub(super) of_statements: Option<f64>,
    calls: f64,
    entries: usize,
    others: f64,
    merged: usize,
    sums: BTreeMap<String, Sum>,
    errors: Vec<Failed>,
    failed: u64,
}

impl Gathered {
    /// A statement; `text` is one of its runs, where the tool kept one, or what the tool made of it.
    pub(super) fn statement(&mut self, text: &str, entry: Entry) {
        self.calls += entry.calls;
        self.entries += 1;
        let text = normalised(text);
        let id = id(&text);
        if let Some(known) = self.sums.get_mut(&id) {
            known.entry.add(entry);
            self.merged += 1;
        } else {
            self.sums.insert(id, Sum { text, entry });
            if self.sums.len() >= 2 * MOST {
                self.prune();
            }
        }
    }

    /// Keeps those that took longest in all; tools write in no order, so the first ones are any.
    fn prune(&mut self) {
        let mut all: Vec<(String, Sum)> = std::mem::take(&mut self.sums).into_iter().collect();
        all.sort_by(|(_, a), (_, b)| b.weight().total_cmp(&a.weight()));
        self.others += all.iter().skip(MOST).map(|(_, s)| s.entry.calls).sum::<f64>();
        all.truncate(MOST);
        self.sums = all.into_iter().collect();
    }

    pub(super) fn error(&mut self, message: &str, count: u64, state: Option<String>, statement: Option<&str>) {
        self.failed += count;
        if self.errors.len() >= ERRORS {
            return;
        }
        let state = state.filter(|s| s.len() == 5 && s.is_ascii());
        let class = state.as_deref().and_then(|s| s.get(..2)).map(|class| class_name(class).to_owned());
        let message = message.split_whitespace().collect::<Vec<_>>().join(" ");
        self.errors.push(Failed { message, count, state, class, statement: statement.map(Shape::of) });
    }

    /// Times as the tool writes them; each kind of tool sorts as its texts do.
    pub(super) fn time(&mut self, text: Option<String>) {
        let Some(text) = text.filter(|t| t.starts_with(|c: char| c.is_ascii_digit())) else { return };
        if self.from.as_ref().is_none_or(|from| text < *from) {
            self.from = Some(text.clone());
        }
        if self.to.as_ref().is_none_or(|to| text > *to) {
            self.to = Some(text);
        }
    }

    pub(super) fn digest(mut self, kind: Kind, most: usize) -> Digest {
        if self.sums.len() > MOST {
            self.prune();
        }
        let notes = self.notes(kind);
        let total = self.sums.len();
        let mut sums: Vec<Sum> = std::mem::take(&mut self.sums).into_values().collect();
        sums.sort_by(|a, b| b.weight().total_cmp(&a.weight()).then(b.entry.calls.total_cmp(&a.entry.calls)));
        self.errors.sort_by_key(|e| std::cmp::Reverse(e.count));
        self.errors.truncate(most);
        Digest {
            kind,
            logs: self.logs,
            from: self.from,
            to: self.to,
            calls: self.of_calls.unwrap_or(self.calls),
            // Parsing is not worth it for those that nobody sees.
            statements: sums.into_iter().take(most).map(Sum::statement).collect(),
            total,
            errors: self.errors,
            failed: self.failed,
            cannot_see: kind.cannot_see().to_owned(),
            notes,
        }
    }

    fn notes(&self, kind: Kind) -> Vec<String> {
        let mut notes = Vec::new();
        if let Some(all) = self.of_statements.filter(|all| *all > self.entries as f64) {
            notes.push(format!("It lists {} of {all:.0} kinds of statements.", self.entries));
        }
        if self.merged > 0 {
            let merged = self.merged;
            notes.push(format!(
                "{merged} of its entries are the same statement by our rules and were added up; their percentiles are left out."
            ));
        }
        if self.others > 0.0 {
            let others = self.others;
            notes.push(format!(
                "Only the {MOST} statements that took longest are kept apart; {others:.0} runs of others are left out."
            ));
        }
        if self.failed > 0 && self.errors.iter().all(|e| e.state.is_none()) {
            notes.push(format!(
                "{} does not say the class of its errors: the log's prefix had no %e, or it does not read it.",
                kind.name()
            ));
        }
        notes
    }
}

impl Entry {
    /// Sums and extremes can be put together, percentiles cannot.
    fn add(&mut self, other: Entry) {
        let both = |a: Option<f64>, b: Option<f64>, of: fn(f64, f64) -> f64| match (a, b) {
            (Some(a), Some(b)) => Some(of(a, b)),
            (one, None) | (None, one) => one,
        };
        self.calls += other.calls;
        self.total = both(self.total, other.total, |a, b| a + b);
        self.min = both(self.min, other.min, f64::min);
        self.max = both(self.max, other.max, f64::max);
        (self.p50, self.p95) = (None, None);
    }
}

impl Sum {
    /// Time in all; without any it comes last.
    fn weight(&self) -> f64 {
        self.entry.total.unwrap_or(-1.0)
    }

    fn statement(self) -> Statement {
        let e = self.entry;
        Statement {
            shape: Shape::of_normalised(self.text).0,
            calls: e.calls,
            total_ms: e.total,
            mean_ms: e.total.filter(|_| e.calls > 0.0).map(|total| total / e.calls),
            min_ms: e.min,
            max_ms: e.max,
            p50_ms: e.p50,
            p95_ms: e.p95,
        }
    }
}

/// A tool's own text of a statement with values where it has `?` and `(...)`, so that it reads like any other. A `?` in a name is a
/// digit that the tool took out, and stays.
pub(super) fn with_values(text: &str) -> String {
    let text = text.replace("(...)", "(0)").replace("(?+)", "(0)");
    let mut out = String::with_capacity(text.len());
    let mut all = text.chars().peekable();
    let mut before = ' ';
    while let Some(c) = all.next() {
        let is_name = |c: char| c.is_alphanumeric() || c == '_';
        let alone = c == '?' && !is_name(before) && !all.peek().copied().is_some_and(is_name);
        out.push(if alone { '0' } else { c });
        before = c;
    }
    out
}
