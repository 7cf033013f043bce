//! When each transaction should begin.

use std::time::Duration;

use rand::Rng;

/// Intended starts at a rate, as offsets from the beginning. Independent users come at random: the gaps are exponentially
/// distributed, so that there are bursts as there are in life.
#[derive(Debug)]
pub(crate) struct Schedule {
    per_second: f64,
    /// Seconds.
    next: f64,
}

impl Schedule {
    /// At a rate above 0, transactions per second.
    pub(crate) fn at(per_second: f64) -> Schedule {
        Schedule { per_second, next: 0.0 }
    }

    /// The next start.
    pub(crate) fn next(&mut self, rng: &mut impl Rng) -> Duration {
        let due = self.next;
        // 1 - u is above 0, and its logarithm finite.
        let gap = -(1.0 - rng.random::<f64>()).ln() / self.per_second;
        self.next += gap;
        Duration::try_from_secs_f64(due).unwrap_or(Duration::MAX)
    }
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng, rngs::StdRng};

    use super::*;

    #[test]
    fn starts_come_at_the_rate_and_never_go_back() {
        let (mut schedule, mut rng) = (Schedule::at(1_000.0), StdRng::seed_from_u64(1));
        let starts: Vec<Duration> = (0..100_000).map(|_| schedule.next(&mut rng)).collect();
        assert!(starts.windows(2).all(|w| w[0] <= w[1]), "time goes on");
        let seconds = starts[99_999].as_secs_f64();
        assert!((98.0..102.0).contains(&seconds), "100 000 at 1 000 a second take 100 s: {seconds}");
        let long = starts.windows(2).filter(|w| w[1] - w[0] > Duration::from_millis(3)).count();
        assert!((4_500..5_500).contains(&long), "e^-3 of the gaps are three times the mean: {long}");
    }
}
