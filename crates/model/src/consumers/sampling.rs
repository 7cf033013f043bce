//! Samples taken in one by one; the report at the end.

use std::collections::BTreeMap;

use super::{
    Consumer, Facts, Group, Kind, Report, Sample, ServerUse, Spread, Statements, Who,
    meter::Meter,
    report::round,
    tables::{Tables, Users},
};

/// Consumers that are told apart. Applications that put a number into their name make new ones without end.
const MOST: usize = 5_000;

/// What is kept of samples: nothing grows with their number.
#[derive(Debug, Default)]
pub struct Sampling {
    samples: u32,
    missed: u32,
    /// When the first and the last sample were made, s.
    span: Option<(f64, f64)>,
    consumers: BTreeMap<(Kind, Who), Seen>,
    /// Times that a consumer came too many.
    crowded_out: i64,
    server: Level,
    left_out: i64,
    arrived: i64,
    hidden: bool,
    meter: Meter,
    tables: Tables,
    users: Users,
    read_users: bool,
}

/// A number that goes up and down.
#[derive(Debug, Default, Clone, Copy)]
struct Level {
    now: i64,
    peak: i64,
    sum: i64,
}

impl Level {
    fn take(&mut self, value: i64) {
        self.now = value;
        self.peak = self.peak.max(value);
        self.sum += value;
    }

    fn spread(self, samples: u32, now: bool) -> Spread {
        let mean = round(self.sum as f64 / f64::from(samples.max(1)));
        Spread { now: if now { self.now } else { 0 }, peak: self.peak, mean }
    }
}

/// One consumer so far.
#[derive(Debug, Default)]
struct Seen {
    connections: Level,
    sessions: i64,
    active: i64,
    idle_in_transaction: i64,
    idle_in_transaction_s: f64,
    transaction_s: f64,
    waiting: i64,
    waiting_samples: u32,
    seen: u32,
    /// Number of the sample it was last in.
    last: u32,
    first_s: f64,
    last_s: f64,
}

impl Sampling {
    /// A look was due and could not be made.
    pub fn missed(&mut self, looks: u32) {
        self.missed += looks;
    }

    /// How many samples were taken in.
    pub fn samples(&self) -> u32 {
        self.samples
    }

    /// Clients seen so far.
    pub fn seen(&self) -> usize {
        self.consumers.keys().filter(|(kind, _)| *kind == Kind::Client).count()
    }

    /// Takes a sample in.
    pub fn take(&mut self, sample: Sample) {
        let Sample { at_s, look, tables, statements } = sample;
        self.samples += 1;
        let began = self.span.map_or(at_s, |(began, _)| began);
        self.span = Some((began, at_s));
        let restarted = self.meter.take(at_s, &look.counters);
        if restarted {
            self.tables.restart();
            self.users.restart();
        }
        // As the counter of sessions, which begins anew then.
        if self.samples > 1 && !restarted {
            let clients = look.groups.iter().filter(|g| g.kind == Kind::Client);
            self.arrived += look.counters.left_out_arrived + clients.map(|g| g.arrived).sum::<i64>();
        }
        for group in look.groups {
            self.group(at_s, group);
        }
        self.server.take(look.counters.connections);
        self.left_out = self.left_out.max(look.counters.left_out);
        if let Some(tables) = tables {
            self.tables.take(tables);
        }
        if let Some(statements) = statements {
            self.users.take(statements);
            self.read_users = true;
        }
    }

    fn group(&mut self, at_s: f64, group: Group) {
        let first = self.samples == 1;
        self.hidden |= group.hidden > 0;
        let key = (group.kind, group.who);
        if self.consumers.len() >= MOST && !self.consumers.contains_key(&key) {
            self.crowded_out += 1;
            return;
        }
        let seen = self.consumers.entry(key).or_insert_with(|| Seen { first_s: at_s, ..Seen::default() });
        // Those that began before it was first seen were there at the first sample, or their beginning is hidden.
        seen.sessions += if first || seen.seen == 0 { group.connections } else { group.arrived };
        seen.connections.take(group.connections);
        seen.active = seen.active.max(group.active);
        seen.idle_in_transaction = seen.idle_in_transaction.max(group.idle_in_transaction);
        seen.idle_in_transaction_s = seen.idle_in_transaction_s.max(group.idle_in_transaction_s);
        seen.transaction_s = seen.transaction_s.max(group.transaction_s);
        seen.waiting = seen.waiting.max(group.waiting);
        seen.waiting_samples += u32::from(group.waiting > 0);
        seen.seen += 1;
        (seen.last, seen.last_s) = (self.samples, at_s);
    }

    /// What it comes to.
    pub fn report(self, facts: &Facts) -> Report {
        let (notes, unseen) = (self.notes(facts), self.unseen(facts));
        let samples = self.samples;
        let (mut consumers, mut workers, mut senders) = (Vec::new(), Vec::new(), Vec::new());
        for ((kind, who), seen) in self.consumers {
            let list = match kind {
                Kind::Client => &mut consumers,
                Kind::Worker => &mut workers,
                Kind::Sender => &mut senders,
            };
            list.push(seen.told(who, samples));
        }
        for list in [&mut consumers, &mut workers, &mut senders] {
            // Sorted by name before, and this keeps the order of equals.
            list.sort_by_key(|c| std::cmp::Reverse((c.seen, c.connections.peak)));
        }
        let (tables, idle_tables) = self.tables.report();
        let users = (self.read_users && facts.statements == Statements::Read).then(|| self.users.report());
        let server = ServerUse {
            max_connections: facts.max_connections,
            reserved: facts.reserved,
            connections: self.server.spread(samples, true),
            transactions_per_s: self.meter.transactions(),
            statements_per_s: self.meter.statements(),
            wal_bytes_per_s: self.meter.wal(),
        };
        let seconds = self.span.map_or(0.0, |(began, ended)| round(ended - began));
        Report {
            samples,
            missed: self.missed,
            seconds,
            consumers,
            workers,
            senders,
            tables,
            idle_tables,
            users,
            server,
            notes,
            unseen,
        }
    }

    fn notes(&self, facts: &Facts) -> Vec<String> {
        let mut out = Vec::new();
        if self.missed > 0 {
            let times = plural(i64::from(self.missed), "sample", "samples");
            out.push(format!("{times} could not be taken: what connected meanwhile was not seen."));
        }
        match self.meter.restarts {
            0 => {}
            n => out.push(format!(
                "The server was started anew {}; what it did between the sample before and the one after is in no figure.",
                plural(i64::from(n), "time", "times")
            )),
        }
        if self.meter.resets > 0 {
            out.push(
                "The database's statistics were reset meanwhile; the seconds around it are in no rate.".to_owned(),
            );
        }
        if facts.standby {
            out.push(
                "This is a standby: it serves reads, and the WAL's rate is that of what it replayed. Who writes is seen on the primary."
                    .to_owned(),
            );
        }
        if self.left_out > 0 {
            let left_out = plural(self.left_out, "session", "sessions");
            out.push(format!("Left out: {left_out} of Switchyard itself, with the one that looked."));
        }
        out
    }

    fn unseen(&self, facts: &Facts) -> Vec<String> {
        let mut out = facts.unseen();
        // Beginnings that are hidden cannot be told from sessions that no sample saw.
        let short = self.meter.began() as i64 - self.arrived;
        if facts.sees_all && short > 0 {
            out.push(format!(
                "About {} began and ended between two samples: whose they are was not seen. A smaller --every sees more of them.",
                plural(short, "session", "sessions")
            ));
        }
        if facts.sees_all && facts.activities && self.hidden {
            out.push("Some sessions have track_activities off: what they do was not seen.".to_owned());
        }
        if self.crowded_out > 0 {
            out.push(format!(
                "More than {MOST} consumers were seen, and the others are not listed; applications with a number in their name do that."
            ));
        }
        if self.meter.forgot() && facts.statements == Statements::Read {
            out.push(
                "pg_stat_statements forgot statements to make room (pg_stat_statements.max): figures by user are too low."
                    .to_owned(),
            );
        }
        out
    }
}

impl Seen {
    fn told(self, who: Who, samples: u32) -> Consumer {
        Consumer {
            application: who.application,
            user: who.user,
            address: who.address,
            connections: self.connections.spread(samples, self.last == samples),
            sessions: self.sessions,
            active_peak: self.active,
            idle_in_transaction_peak: self.idle_in_transaction,
            idle_in_transaction_s: round(self.idle_in_transaction_s),
            transaction_s: round(self.transaction_s),
            waiting_peak: self.waiting,
            waiting_samples: self.waiting_samples,
            seen: self.seen,
            of: samples,
            first_s: round(self.first_s),
            last_s: round(self.last_s),
        }
    }
}

fn plural(n: i64, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}
