//! What sessions have seen so far.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use super::{Hold, Second};
use crate::{
    Trouble,
    figures::{Counted, Figures, Times},
};

/// Below so many in a second a percentile says nothing.
const ENOUGH: u64 = 50;

/// Counts and times of one run.
pub(super) struct Seen {
    begun: u64,
    transactions: u64,
    statements: u64,
    failed: u64,
    errors: BTreeMap<String, Counted>,
    latency: Times,
    service: Times,
    late: Times,
    timing: Times,
    /// Of this second.
    lately: Times,
    /// Ended and failed before this second.
    before: (u64, u64),
    /// Which bound was broken.
    pub(super) why: Option<String>,
    last_end: Instant,
}

impl Seen {
    pub(super) fn new(began: Instant) -> Result<Seen, String> {
        Ok(Seen {
            begun: 0,
            transactions: 0,
            statements: 0,
            failed: 0,
            errors: BTreeMap::new(),
            latency: Times::new()?,
            service: Times::new()?,
            late: Times::new()?,
            timing: Times::new()?,
            lately: Times::new()?,
            before: (0, 0),
            why: None,
            last_end: began,
        })
    }

    /// A transaction begins so much later than it should; `was_free` where a session waited for it.
    pub(super) fn begins(&mut self, late: Duration, was_free: bool) {
        self.begun += 1;
        self.late.record(late);
        if was_free {
            self.timing.record(late);
        }
    }

    /// It ended; with how many statements it has carried out, or why it failed.
    pub(super) fn ended(&mut self, due: Instant, began: Instant, now: Instant, answer: Result<u64, Trouble>) {
        self.last_end = now;
        self.latency.record(now - due);
        self.lately.record(now - due);
        self.service.record(now - began);
        match answer {
            Ok(statements) => {
                self.transactions += 1;
                self.statements += statements;
            }
            Err(trouble) => {
                self.failed += 1;
                let counted = self.errors.entry(trouble.class).or_insert(Counted { times: 0, newest: String::new() });
                counted.times += 1;
                counted.newest = trouble.sentence;
            }
        }
    }

    /// What came since it was asked last, at this rate.
    pub(super) fn second(&mut self, asked_per_second: f64, waiting: usize) -> Second {
        let ended = self.transactions + self.failed;
        let p99_ms = self.lately.spread().filter(|_| self.lately.count() >= ENOUGH).map(|s| s.p99_ms);
        let (ended_now, failed) = (ended - self.before.0, self.failed - self.before.1);
        let second = Second { asked_per_second, ended: ended_now, failed, p99_ms, waiting };
        self.before = (ended, self.failed);
        self.lately.clear();
        second
    }

    /// Everything; `was_stopped` before its time, while so many waited.
    pub(super) fn figures(&self, hold: &Hold, began: Instant, was_stopped: bool, left_waiting: u64) -> Figures {
        let ran = self.last_end.saturating_duration_since(began).as_secs_f64().max(f64::MIN_POSITIVE);
        let asked = if was_stopped { ran } else { hold.time.as_secs_f64() };
        let seconds = if was_stopped { ran } else { ran.max(asked) };
        let due = self.begun + left_waiting;
        Figures {
            asked_per_second: if due == 0 { hold.per_second } else { due as f64 / asked },
            reached_per_second: (self.transactions + self.failed) as f64 / seconds,
            seconds,
            transactions: self.transactions,
            statements: self.statements,
            failed: self.failed,
            errors: self.errors.clone(),
            latency: self.latency.spread(),
            service: self.service.spread(),
            late: self.late.spread(),
            timing: self.timing.spread(),
            left_waiting,
            stopped: self.why.clone().or_else(|| was_stopped.then(|| "It was stopped.".to_owned())),
        }
    }
}
