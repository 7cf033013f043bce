//! Where facts about queries come from: what each source gives, and what it cannot see.
//!
//! A source is read twice. What grew in between becomes rates and means; a counter that fell, or that was reset, gives none,
//! because nobody knows what it had counted before.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::UnixMs;

/// A source of facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(rename = "QuerySourceKind")]
pub enum SourceKind {
    /// `pg_stat_statements`.
    Statements,
    /// The server's log.
    Log,
    /// Samples of `pg_stat_activity`.
    Activity,
    /// `pg_stat_database`.
    Database,
    /// PgBouncer's `SHOW STATS`.
    Pgbouncer,
    /// HAProxy's `show stat`.
    Haproxy,
}

impl SourceKind {
    /// As those call it whose it is.
    pub fn name(self) -> &'static str {
        match self {
            SourceKind::Statements => "pg_stat_statements",
            SourceKind::Log => "server log",
            SourceKind::Activity => "pg_stat_activity",
            SourceKind::Database => "pg_stat_database",
            SourceKind::Pgbouncer => "PgBouncer SHOW STATS",
            SourceKind::Haproxy => "HAProxy show stat",
        }
    }

    /// What it cannot see however it is set up, in sentences.
    pub fn cannot_see(self) -> &'static str {
        match self {
            SourceKind::Statements => {
                "No percentiles, only mean, spread and extremes; no values of parameters; no statement that failed or was \
                 cancelled, and none that still runs. The rarest are forgotten when it is full."
            }
            SourceKind::Log => {
                "Nothing that the server's settings do not log: as a rule errors and slow statements alone. No row that was \
                 returned, no plan, and not how long a client waited in a pooler before the server saw it."
            }
            SourceKind::Activity => {
                "What ran between two looks: short statements are seen by luck, so it counts nothing. No parameters that were \
                 bound, no result, no error, and no text beyond track_activity_query_size."
            }
            SourceKind::Database => {
                "No statement, no role and no time: sums of everybody in this database, Switchyard's own among them. It lags \
                 by up to a second, and by a whole transaction where one is long."
            }
            SourceKind::Pgbouncer => {
                "Means and sums of a database alone: no percentiles, no statement, no error and no role. A query that goes out \
                 with others in one message, or as a prepared statement, is counted as PgBouncer's version counts it."
            }
            SourceKind::Haproxy => {
                "Sessions and not statements: in TCP mode it does not read what is inside, so no SQL error, no query time and no \
                 pooled client behind one session. Its times are means of the last 1 024 connections."
            }
        }
    }
}

/// In what a figure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(rename = "FigureUnit")]
pub enum Unit {
    /// How many there are.
    Count,
    /// How many in a second.
    PerS,
    /// Bytes.
    Bytes,
    /// Bytes in a second.
    BytesPerS,
    /// Milliseconds.
    Ms,
    /// Seconds.
    S,
}

/// What a source says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(rename = "SourceFigure")]
pub struct Figure {
    /// A part of the source: a pooler's database, a balancer's server; empty for the whole.
    pub of: String,
    /// What it is.
    pub name: String,
    /// How much.
    pub value: f64,
    /// Of what.
    pub unit: Unit,
}

/// What the growth of a counter is given as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Growth {
    /// Nothing: what there is in all is shown.
    All,
    /// How many in a second.
    PerSecond,
    /// How many in a second, and how many there are in all: of what is rare a rate says little.
    AndAll,
    /// Milliseconds for each that the counter of this name grew by: a mean.
    MsFor(&'static str),
}

/// A sum that only grows.
#[derive(Debug, Clone, PartialEq)]
pub struct Counter {
    /// As [`Figure::of`].
    pub of: String,
    /// As [`Figure::name`].
    pub name: &'static str,
    /// What has been counted.
    pub value: f64,
    /// [`Unit::Count`] or [`Unit::Bytes`]; of times milliseconds.
    pub unit: Unit,
    /// What its growth is given as.
    pub growth: Growth,
}

/// What a source said at one time.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reading {
    /// When, in seconds, by one clock for all readings of this source.
    pub at_s: f64,
    /// Since when it counts; None where it does not say.
    pub since: Option<UnixMs>,
    /// Sums.
    pub counters: Vec<Counter>,
    /// What is so now.
    pub now: Vec<Figure>,
}

impl Reading {
    /// Adds a sum.
    pub fn counter(&mut self, of: &str, name: &'static str, value: f64, unit: Unit, growth: Growth) {
        self.counters.push(Counter { of: of.to_owned(), name, value, unit, growth });
    }

    /// Adds what is so now.
    pub fn figure(&mut self, of: &str, name: &str, value: f64, unit: Unit) {
        self.now.push(Figure { of: of.to_owned(), name: name.to_owned(), value, unit });
    }

    fn value(&self, of: &str, name: &str) -> Option<f64> {
        self.counters.iter().find(|c| c.of == of && c.name == name).map(|c| c.value)
    }

    /// Whether the counters began anew since an earlier reading.
    pub fn is_reset_since(&self, before: &Reading) -> bool {
        let fell = |c: &Counter| before.value(&c.of, c.name).is_some_and(|was| c.value < was);
        self.since != before.since || self.counters.iter().any(fell)
    }

    /// All figures: what is so now, and what grew since an earlier reading. Where counters began anew, none of them grew.
    pub fn figures(&self, before: &Reading) -> Vec<Figure> {
        let seconds = self.at_s - before.at_s;
        let known = seconds > 0.0 && !self.is_reset_since(before);
        let mut out = self.now.clone();
        for c in &self.counters {
            let figure = |value, unit| Figure { of: c.of.clone(), name: c.name.to_owned(), value, unit };
            let grown = before.value(&c.of, c.name).filter(|_| known).map(|was| c.value - was);
            if let Some(grown) = grown {
                let rate = || figure(grown / seconds, if c.unit == Unit::Bytes { Unit::BytesPerS } else { Unit::PerS });
                match c.growth {
                    Growth::All => {}
                    Growth::PerSecond | Growth::AndAll => out.push(rate()),
                    Growth::MsFor(name) => {
                        let of = |r: &Reading| r.value(&c.of, name);
                        let runs = of(self).zip(of(before)).map(|(now, was)| now - was);
                        // Nothing ran, so that there is no mean.
                        out.extend(runs.filter(|n| *n > 0.0).map(|n| figure(grown / n, Unit::Ms)));
                    }
                }
            }
            if matches!(c.growth, Growth::All | Growth::AndAll) {
                out.push(figure(c.value, c.unit));
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(at_s: f64, queries: f64, ms: f64, waits: f64) -> Reading {
        let mut r = Reading { at_s, since: Some(7), ..Reading::default() };
        r.counter("app", "queries", queries, Unit::Count, Growth::PerSecond);
        r.counter("app", "query time, mean", ms, Unit::Ms, Growth::MsFor("queries"));
        r.counter("app", "deadlocks", waits, Unit::Count, Growth::AndAll);
        r.counter("app", "sent", queries * 100.0, Unit::Bytes, Growth::PerSecond);
        r
    }

    #[test]
    fn rates_and_means_are_of_the_time_between() {
        let all = pool(12.0, 150.0, 400.0, 3.0).figures(&pool(10.0, 50.0, 300.0, 3.0));
        let of: Vec<(&str, f64, Unit)> = all.iter().map(|f| (f.name.as_str(), f.value, f.unit)).collect();
        assert_eq!(
            of,
            [
                ("queries", 50.0, Unit::PerS),
                ("query time, mean", 1.0, Unit::Ms),
                ("deadlocks", 0.0, Unit::PerS),
                ("deadlocks", 3.0, Unit::Count),
                ("sent", 5_000.0, Unit::BytesPerS),
            ]
        );
        let idle = pool(12.0, 50.0, 300.0, 0.0).figures(&pool(10.0, 50.0, 300.0, 0.0));
        assert!(!idle.iter().any(|f| f.unit == Unit::Ms), "where nothing ran there is no mean: {idle:?}");
    }

    #[test]
    fn a_counter_that_began_anew_gives_no_rate() {
        let (before, after) = (pool(10.0, 50.0, 300.0, 3.0), pool(12.0, 4.0, 2.0, 0.0));
        assert!(after.is_reset_since(&before));
        let all = after.figures(&before);
        assert_eq!(
            all.iter().map(|f| f.unit).collect::<Vec<_>>(),
            [Unit::Count],
            "what it counted since is all: {all:?}"
        );
        let quick = Reading { since: Some(8), ..pool(12.0, 500.0, 500.0, 3.0) };
        assert!(quick.is_reset_since(&before), "also where it has overtaken the earlier count");
        assert!(!pool(12.0, 50.0, 300.0, 3.0).is_reset_since(&before));
    }
}
