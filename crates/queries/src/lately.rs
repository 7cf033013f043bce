//! Statements of one server that failed lately, beside those that went well: which never do, and how large a share of reads and
//! of writes fails.
//!
//! Failures come from the log, as it grows; what went well from readings of the statistics. Both are taken down at the
//! same look, by one clock. Nothing has to be read from the statistics while nothing fails.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::{
    damage::Counted,
    errors::class_name,
    log::Entry,
    shape::{Does, Shape, id, normalised},
};

/// The window of rates, and the shorter one in which a statement may fail always, ms.
pub const SHORT_MS: i64 = 60_000;

/// The longer one, for statements that come seldom, ms.
pub const LONG_MS: i64 = 300_000;

/// Kinds of failures that are kept apart; more of them are counted in one sum.
const MOST_KINDS: usize = 500;

/// Whose entries are left out.
#[derive(Debug, Clone, Default)]
pub struct Own {
    /// The database that is looked at.
    pub database: String,
    /// The role as which Switchyard logs in: no part of rates.
    pub role: String,
    /// And what its `application_name`s begin with: no part of anything.
    pub application: String,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Kind {
    statement: String,
    application: String,
    state: String,
    is_own: bool,
}

/// A statement of which every run failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failing {
    /// Which.
    pub shape: Shape,
    /// What sent it.
    pub applications: Vec<String>,
    /// `42883, syntax or access`, of the most of its failures.
    pub error: String,
    /// How often it failed.
    pub times: u64,
    /// Within how long, ms.
    pub over_ms: i64,
}

/// Requests and failures of a kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Share {
    /// All of them.
    pub requests: u64,
    /// Those that failed.
    pub errors: u64,
}

/// What went well between two readings.
#[derive(Debug, Default)]
struct Look {
    at: i64,
    well: BTreeMap<String, f64>,
    reads: f64,
    writes: f64,
}

/// One server's statements.
#[derive(Debug, Default)]
pub struct Lately {
    own: Own,
    shapes: BTreeMap<String, Shape>,
    /// How often, by when.
    failed: BTreeMap<Kind, BTreeMap<i64, u64>>,
    looks: VecDeque<Look>,
    /// Shapes of the server's own lines, by their keys.
    known: BTreeMap<String, (String, Option<Does>)>,
    before: BTreeMap<String, f64>,
    /// Whatever went well once since the server began to count.
    ever: BTreeSet<String>,
    /// Whether those not among them never went well.
    is_whole: bool,
    counted_from: Option<i64>,
    /// Those that failed always when they were last seen.
    broken: BTreeSet<String>,
    others: u64,
}

impl Lately {
    /// Nothing seen yet.
    pub fn new(own: Own) -> Lately {
        Lately { own, ..Lately::default() }
    }

    /// Takes an entry of the log; those that are no failed statements leave no trace.
    pub fn take(&mut self, at: i64, entry: &Entry<'_>) {
        let own = &self.own;
        if !entry.is_error()
            || !entry.is_of(Some(&own.database), None)
            || entry.application.starts_with(&own.application)
        {
            return;
        }
        let Some(text) = entry.statement().map(normalised) else { return };
        let kind = Kind {
            statement: id(&text),
            application: entry.application.to_string(),
            state: entry.sqlstate.as_deref().unwrap_or_default().to_owned(),
            is_own: entry.user == own.role,
        };
        if self.failed.len() >= MOST_KINDS && !self.failed.contains_key(&kind) {
            self.others += 1;
            return;
        }
        self.shapes.entry(kind.statement.clone()).or_insert_with(|| Shape::of_normalised(text).0);
        *self.failed.entry(kind).or_default().entry(at).or_default() += 1;
    }

    /// Forgets what is older than the longer window; says whether anything failed in it, so that what went well has to be counted.
    pub fn must_count(&mut self, now: i64) -> bool {
        let since = now - LONG_MS;
        self.failed.retain(|_, times| {
            times.retain(|at, _| *at > since);
            !times.is_empty()
        });
        self.looks.retain(|look| look.at > since);
        let failed = &self.failed;
        self.shapes.retain(|id, _| failed.keys().any(|kind| kind.statement == *id));
        if self.failed.is_empty() {
            self.counts_no_more();
        }
        !self.failed.is_empty()
    }

    /// The next reading is the first again: what went well until then is not known.
    pub fn counts_no_more(&mut self) {
        self.looks.clear();
        self.known.clear();
        self.before.clear();
        self.ever.clear();
        (self.counted_from, self.others) = (None, 0);
    }

    /// Forgets all failures: they were made on purpose.
    pub fn start_over(&mut self) {
        self.failed.clear();
        self.shapes.clear();
        self.counts_no_more();
    }

    /// Takes a reading of the statistics of all roles, ours among them. `is_whole`: what is not in it never went well. One to which
    /// nothing was added is of a server that does not count: not even what we ask is in it.
    pub fn counted(&mut self, at: i64, all: &[Counted], is_whole: bool) {
        let is_first = self.counted_from.is_none();
        let mut look = Look { at, ..Look::default() };
        let mut total = 0.0;
        for one in all {
            let known = self.known.entry(one.key.clone()).or_insert_with(|| (Shape::id_of(&one.text), None));
            if one.calls > 0.0 {
                self.ever.insert(known.0.clone());
            }
            let before = self.before.insert(one.key.clone(), one.calls);
            let added = match before {
                _ if is_first => 0.0,
                Some(before) if before <= one.calls => one.calls - before,
                // It is new, or was reset.
                _ => one.calls,
            };
            total += if is_first { one.calls } else { added };
            if added <= 0.0 {
                continue;
            }
            self.broken.remove(&known.0);
            *look.well.entry(known.0.clone()).or_default() += added;
            if one.role() != self.own.role {
                match *known.1.get_or_insert_with(|| Shape::of(&one.text).does) {
                    Does::Read => look.reads += added,
                    Does::Write => look.writes += added,
                    Does::Other => {}
                }
            }
        }
        if total <= 0.0 {
            return self.counts_no_more();
        }
        self.is_whole = is_whole;
        self.looks.push_back(look);
        self.counted_from.get_or_insert(at);
    }

    /// Statements that failed at least so often and never went well, in either window, those that failed most first. One
    /// that is not in the statistics at all never went well; of others it is known since the first reading alone.
    pub fn always(&mut self, now: i64, at_least: u64) -> Vec<Failing> {
        let Some(from) = self.counted_from else { return Vec::new() };
        let mut all: Vec<Failing> = self
            .shapes
            .values()
            .filter_map(|shape| {
                let was_never_well = self.is_whole && !self.ever.contains(&shape.id);
                let known_from = if was_never_well { i64::MIN } else { from };
                let in_window = |window| self.failing(shape, known_from.max(now - window), now);
                [LONG_MS, SHORT_MS].into_iter().filter_map(in_window).find(|f| f.times >= at_least)
            })
            .collect();
        all.sort_by_key(|f| std::cmp::Reverse(f.times));
        self.broken.extend(all.iter().map(|f| f.shape.id.clone()));
        all
    }

    /// None if it went well once.
    fn failing(&self, shape: &Shape, since: i64, now: i64) -> Option<Failing> {
        if self.looks.iter().any(|look| look.at > since && look.well.contains_key(&shape.id)) {
            return None;
        }
        let (mut applications, mut states, mut first) = (BTreeSet::new(), BTreeMap::new(), now);
        for (kind, times) in self.failed.iter().filter(|(kind, _)| kind.statement == shape.id) {
            for (at, times) in times.iter().filter(|(at, _)| **at > since) {
                *states.entry(kind.state.as_str()).or_insert(0) += times;
                applications.insert(kind.application.clone());
                first = first.min(*at);
            }
        }
        let (state, _) = states.iter().max_by_key(|(_, times)| **times)?;
        let class = class_name(state.get(..2).unwrap_or_default());
        applications.remove("");
        Some(Failing {
            shape: shape.clone(),
            applications: applications.into_iter().collect(),
            error: if state.is_empty() { "its class is not logged".to_owned() } else { format!("{state}, {class}") },
            times: states.values().sum(),
            over_ms: now - first,
        })
    }

    /// Whether a statement fails here as well: it did and did not go well since, as far as that is known.
    pub fn fails(&self, id: &str, now: i64) -> bool {
        let failed = self.failed.iter().any(|(kind, times)| {
            kind.statement == id && times.last_key_value().is_some_and(|(at, _)| *at > now - LONG_MS)
        });
        let well = self.looks.iter().any(|look| look.at > now - LONG_MS && look.well.contains_key(id));
        (failed && !well) || self.broken.contains(id)
    }

    /// Reads and writes of the last minute, of those that are counted: none before two readings.
    pub fn shares(&self, now: i64) -> Option<(Share, Share)> {
        let since = self.counted_from?.max(now - SHORT_MS);
        let looks = || self.looks.iter().filter(|look| look.at > since);
        looks().next()?;
        let errors = |does: Does| {
            let of_kind =
                |kind: &Kind| !kind.is_own && self.shapes.get(&kind.statement).is_some_and(|s| s.does == does);
            let failed = self.failed.iter().filter(|(kind, _)| of_kind(kind));
            failed.flat_map(|(_, times)| times.iter().filter(|(at, _)| **at > since)).map(|(_, n)| n).sum::<u64>()
        };
        let share = |well: f64, errors: u64| Share { requests: well as u64 + errors, errors };
        let (reads, writes) = (looks().map(|l| l.reads).sum(), looks().map(|l| l.writes).sum());
        Some((share(reads, errors(Does::Read)), share(writes, errors(Does::Write))))
    }

    /// Failures beyond the kinds that are kept apart.
    pub fn others(&self) -> u64 {
        self.others
    }
}
