//! From beats to lag, without I/O.

use std::{collections::VecDeque, time::Instant};

use serde::{Deserialize, Serialize};
use switchyard_model::{
    UnixMs,
    gate::StreamFacts,
    lag::{HoldTracker, LagSample, percentile},
};

/// The window of the tile's figures, ms.
pub const WINDOW_MS: i64 = 30 * 60 * 1000;

/// Figures over the last 30 minutes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LagWindow {
    /// Newest, ms.
    pub now_ms: f64,
    /// When it was measured.
    pub at: UnixMs,
    /// 95th percentile, ms.
    pub p95_ms: f64,
    /// Worst, ms.
    pub worst_ms: f64,
}

/// One stream's beats: what is out, and what was measured.
#[derive(Debug, Default)]
pub struct Meter {
    out: VecDeque<(i64, Instant)>,
    ever_seen: bool,
    hold: HoldTracker,
    window: VecDeque<LagSample>,
}

impl Meter {
    /// A beat was committed.
    pub fn written(&mut self, n: i64, at: Instant) {
        self.out.push_back((n, at));
        // Ten minutes of beats that never arrive say no more than the oldest of them does.
        if self.out.len() > 600 {
            self.out.remove(1);
        }
    }

    /// The other side shows beat `n`. Returns the delay of the newest beat that arrived with it, ms.
    pub fn seen(&mut self, n: i64, now: Instant) -> Option<f64> {
        self.ever_seen = true;
        let mut newest = None;
        while let Some(&(out, written)) = self.out.front() {
            if out > n {
                break;
            }
            newest = Some(now.saturating_duration_since(written).as_secs_f64() * 1000.0);
            self.out.pop_front();
        }
        newest
    }

    /// How long the oldest beat has been out, ms; None when all arrived, or when none ever did: a stream that never ran
    /// has no lag, it is unknown.
    pub fn out_for(&self, now: Instant) -> Option<f64> {
        if !self.ever_seen {
            return None;
        }
        self.out.front().map(|(_, written)| now.saturating_duration_since(*written).as_secs_f64() * 1000.0)
    }

    /// Takes in what an earlier process measured, oldest first: for the figures of the last half hour. What has held since
    /// when starts over, for nobody looked in between.
    pub fn remember(&mut self, earlier: impl IntoIterator<Item = LagSample>) {
        self.window.extend(earlier);
    }

    /// Takes a measurement in.
    pub fn measured(&mut self, sample: LagSample, limit_ms: f64) {
        self.hold.push(sample, limit_ms);
        self.window.push_back(sample);
        while self.window.front().is_some_and(|s| sample.at - s.at > WINDOW_MS) {
            self.window.pop_front();
        }
    }

    /// For the gates.
    pub fn facts(&self, now: UnixMs) -> StreamFacts {
        StreamFacts { newest: self.window.back().map(|s| (s.at, s.ms)), within_since: self.hold.held_since(now) }
    }

    /// For the tile.
    pub fn figures(&self) -> Option<LagWindow> {
        let newest = self.window.back()?;
        let values: Vec<f64> = self.window.iter().map(|s| s.ms).collect();
        Some(LagWindow {
            now_ms: newest.ms,
            at: newest.at,
            p95_ms: percentile(&values, 95.0)?,
            worst_ms: percentile(&values, 100.0)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_delay_is_that_of_the_newest_beat_that_arrived() {
        let t = Instant::now();
        let mut m = Meter::default();
        m.written(1, t);
        m.written(2, t + Duration::from_secs(1));
        assert_eq!(
            m.seen(2, t + Duration::from_millis(1200)),
            Some(200.0),
            "both arrived; the newest tells the lag now"
        );
        assert_eq!(m.out_for(t + Duration::from_secs(5)), None, "nothing is out");
    }

    #[test]
    fn what_an_earlier_process_measured_gives_figures_and_opens_nothing() {
        let mut m = Meter::default();
        m.remember([LagSample { at: 1_000, ms: 40.0 }, LagSample { at: 2_000, ms: 10.0 }]);
        let figures = m.figures().unwrap();
        assert_eq!((figures.worst_ms, figures.now_ms, figures.at), (40.0, 10.0, 2_000), "with their own age");
        assert_eq!(m.facts(3_000).within_since, None, "but nothing has held: nobody looked in between");
        m.measured(LagSample { at: 2_000 + WINDOW_MS + 500, ms: 5.0 }, 100.0);
        assert_eq!(m.figures().unwrap().worst_ms, 5.0, "and they leave the window as all others do");
    }

    #[test]
    fn a_beat_that_stays_out_makes_the_lag_grow() {
        let t = Instant::now();
        let mut m = Meter::default();
        m.written(1, t);
        assert_eq!(m.out_for(t + Duration::from_secs(9)), None, "a stream that never ran is unknown, not late");
        m.seen(1, t);
        m.written(2, t);
        m.written(3, t + Duration::from_secs(1));
        assert_eq!(m.seen(1, t + Duration::from_secs(2)), None, "the same beat again is no news");
        assert_eq!(m.out_for(t + Duration::from_secs(3)), Some(3000.0), "the oldest that is out counts");
    }
}
