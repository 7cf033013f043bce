//! From the server's counters to rates.

use super::{Counters, Figures, counter::grown_sum, report::round};

/// Backends hand in what they counted about once a second: a shorter window shows gaps and heaps that nobody made.
const WINDOW_S: f64 = 0.9;

/// One rate: its peak over windows, and what its mean is made from.
#[derive(Debug, Default)]
struct Rate {
    peak: f64,
    grown: f64,
    seconds: f64,
}

impl Rate {
    /// Takes in a window; one of which nothing is known is left out.
    fn take(&mut self, grown: Option<f64>, own: f64, seconds: f64) {
        let Some(grown) = grown else { return };
        let others = (grown - own).max(0.0);
        self.peak = self.peak.max(others / seconds);
        self.grown += others;
        self.seconds += seconds;
    }

    fn figures(&self) -> Option<Figures> {
        (self.seconds > 0.0).then(|| Figures { peak: round(self.peak), mean: round(self.grown / self.seconds) })
    }
}

/// Counts over a sampling. Windows over a restart of the server are left out: the counters on its two sides need not belong
/// together, and may be those of two servers.
#[derive(Debug, Default)]
pub(super) struct Meter {
    /// When the window began, and its counters then.
    base: Option<(f64, Counters)>,
    newest: Option<Counters>,
    own: (f64, f64),
    transactions: Rate,
    statements: Rate,
    wal: Rate,
    began: f64,
    forgotten: f64,
    pub(super) restarts: u32,
    pub(super) resets: u32,
}

impl Meter {
    /// Takes the counters of a sample. Returns whether the server was started anew since the one before.
    pub(super) fn take(&mut self, at_s: f64, counters: &Counters) -> bool {
        let Some(before) = self.newest.replace(counters.clone()) else {
            self.base = Some((at_s, counters.clone()));
            return false;
        };
        // Read back from a text, a moment may differ in its last digits.
        let moved = |a: f64, b: f64| (a - b).abs() > 0.001;
        if moved(before.started, counters.started) {
            self.restarts += 1;
            self.begin(at_s, counters);
            return true;
        }
        if moved(before.reset.unwrap_or(0.0), counters.reset.unwrap_or(0.0)) {
            self.resets += 1;
        }
        self.began += grown_sum(before.sessions, counters.sessions).unwrap_or(0.0);
        if let (Some(a), Some(b)) = (before.forgotten, counters.forgotten) {
            self.forgotten += grown_sum(a, b).unwrap_or(0.0);
        }
        self.own = (self.own.0 + counters.own_transactions, self.own.1 + counters.own_statements);
        self.close_window(at_s, counters);
        false
    }

    fn close_window(&mut self, at_s: f64, counters: &Counters) {
        let Some((began, base)) = &self.base else { return };
        let seconds = at_s - began;
        if seconds < WINDOW_S {
            return;
        }
        let both = |a: Option<f64>, b: Option<f64>| a.zip(b).and_then(|(a, b)| grown_sum(a, b));
        self.transactions.take(grown_sum(base.transactions, counters.transactions), self.own.0, seconds);
        self.statements.take(both(base.statements, counters.statements), self.own.1, seconds);
        self.wal.take(both(base.wal, counters.wal), 0.0, seconds);
        self.begin(at_s, counters);
    }

    fn begin(&mut self, at_s: f64, counters: &Counters) {
        self.base = Some((at_s, counters.clone()));
        self.own = (0.0, 0.0);
    }

    pub(super) fn transactions(&self) -> Option<Figures> {
        self.transactions.figures()
    }

    pub(super) fn statements(&self) -> Option<Figures> {
        self.statements.figures()
    }

    pub(super) fn wal(&self) -> Option<Figures> {
        self.wal.figures()
    }

    /// Sessions that began, ours too.
    pub(super) fn began(&self) -> f64 {
        self.began
    }

    /// Whether the server forgot statements to make room for others.
    pub(super) fn forgot(&self) -> bool {
        self.forgotten > 0.0
    }
}
