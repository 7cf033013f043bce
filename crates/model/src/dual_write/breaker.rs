//! When waiting for the target has become too dear.
//!
//! Judges times of small writes that wait for the target as the application's do. That the target is gone is seen by a write
//! that does not come back; that is told here too.

use std::collections::VecDeque;

use super::Percentiles;
use crate::figure;

/// Between two small writes, ms.
pub const PACE_MS: u64 = 50;

/// A write that waits for longer than this says that the target is away, ms. Also how long it may be missing from the source's
/// list of receivers.
pub const AWAY_MS: u64 = 1_000;

/// Writes that count: half a minute of them.
const WINDOW: usize = 600;

/// Writes below which a percentile opens nothing: of a hundred, one may be an accident.
const ENOUGH: usize = 100;

/// So many slow writes one after the other, a second of them, are no accident.
const IN_A_ROW: u32 = 20;

/// The newest small writes.
#[derive(Debug, Clone, Default)]
pub struct Breaker {
    times: VecDeque<f64>,
    slow: u32,
}

impl Breaker {
    /// Takes the time of one write in, ms.
    pub fn took(&mut self, ms: f64, budget_ms: f64) {
        self.times.push_back(ms);
        if self.times.len() > WINDOW {
            self.times.pop_front();
        }
        self.slow = if ms > budget_ms { self.slow + 1 } else { 0 };
    }

    /// What they took.
    pub fn figures(&self, workload_ms: Option<f64>) -> Option<Percentiles> {
        let times: Vec<f64> = self.times.iter().copied().collect();
        Percentiles::of(&times, workload_ms)
    }

    /// Why the budget is passed, one sentence; None while it is kept, or while too little is known.
    pub fn over(&self, budget_ms: f64) -> Option<String> {
        let budget = figure::read_ms(budget_ms);
        if self.slow >= IN_A_ROW {
            return Some(format!("Each of the last {IN_A_ROW} writes took longer than the budget of {budget}."));
        }
        if self.times.len() < ENOUGH {
            return None;
        }
        let figures = self.figures(None)?;
        (figures.p99_ms > budget_ms).then(|| {
            let p99 = figure::read_ms(figures.p99_ms);
            format!("P99 of {} writes is {p99}, and the budget is {budget}.", figures.samples)
        })
    }

    /// Why the target counts as away, by a write that has been out for this long, ms.
    pub fn away(out_ms: f64) -> Option<String> {
        (out_ms > AWAY_MS as f64)
            .then(|| format!("A write has been waiting for the target for {}.", figure::lag(out_ms)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn breaker(times: impl IntoIterator<Item = f64>) -> Breaker {
        let mut breaker = Breaker::default();
        times.into_iter().for_each(|ms| breaker.took(ms, 3.0));
        breaker
    }

    #[test]
    fn one_slow_write_of_a_hundred_is_an_accident_and_two_are_not() {
        let with = |slow: usize| breaker((0..100).map(|n| if n % 40 < slow && n < 80 { 9.0 } else { 0.4 }));
        assert_eq!(breaker((0..100).map(|n| if n == 7 { 90.0 } else { 0.4 })).over(3.0), None, "one write may be slow");
        assert!(with(1).over(3.0).is_some(), "the second of a hundred is more than one percent");
        assert_eq!(breaker([90.0, 0.4, 80.0]).over(3.0), None, "three writes say nothing of one percent");
        assert_eq!(breaker([3.0; 200]).over(3.0), None, "the budget itself is within");
    }

    #[test]
    fn slow_writes_one_after_the_other_need_no_hundred() {
        assert_eq!(breaker([4.0; 19]).over(3.0), None);
        assert!(breaker([4.0; 20]).over(3.0).unwrap().contains("last 20"));
        assert_eq!(breaker([4.0; 19].into_iter().chain([0.4, 4.0])).over(3.0), None, "a quick one starts over");
    }

    #[test]
    fn old_writes_leave_the_window() {
        let recovered = breaker([4.0; 19].into_iter().chain([0.4; WINDOW]));
        assert_eq!(recovered.over(3.0), None, "what was slow half a minute ago opens nothing now");
        assert_eq!(recovered.figures(None).unwrap().samples, WINDOW as u32);
    }

    #[test]
    fn a_write_that_stays_out_says_that_the_target_is_away() {
        assert_eq!(Breaker::away(1_000.0), None);
        assert!(Breaker::away(1_001.0).is_some());
    }
}
