//! When each transaction should begin, and who begins it.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use rand::{Rng, SeedableRng, rngs::StdRng};

/// Intended starts at a rate, as offsets from the beginning. Independent users come at random: the gaps are exponentially
/// distributed, so that there are bursts as there are in life.
#[derive(Debug)]
struct Schedule {
    per_second: f64,
    /// Seconds.
    next: f64,
}

impl Schedule {
    /// At a rate above 0, transactions per second.
    fn at(per_second: f64) -> Schedule {
        Schedule { per_second, next: 0.0 }
    }

    /// The next start.
    fn next(&mut self, rng: &mut impl Rng) -> Duration {
        let due = self.next;
        // 1 - u is above 0, and its logarithm finite.
        let gap = -(1.0 - rng.random::<f64>()).ln() / self.per_second;
        self.next += gap;
        Duration::try_from_secs_f64(due).unwrap_or(Duration::MAX)
    }
}

/// The starts of one run. Sessions that are free claim the next one each, also when its time is still to come: so nobody has to be
/// told that one is due, and one that nobody has claimed at its time waits for a session.
#[derive(Debug)]
pub(crate) struct Starts {
    schedule: Schedule,
    rng: StdRng,
    began: Instant,
    time: Duration,
    /// Drawn and not claimed, in order.
    ahead: VecDeque<Instant>,
    is_drawn: bool,
    is_closed: bool,
}

impl Starts {
    /// For a time from `began` on.
    pub(crate) fn at(per_second: f64, time: Duration, seed: u64, began: Instant) -> Starts {
        Starts {
            schedule: Schedule::at(per_second),
            rng: StdRng::seed_from_u64(seed),
            began,
            time,
            ahead: VecDeque::new(),
            is_drawn: false,
            is_closed: false,
        }
    }

    /// Draws one more; whether there was one.
    fn draw(&mut self) -> bool {
        let offset = self.schedule.next(&mut self.rng);
        self.is_drawn |= offset >= self.time;
        if !self.is_drawn {
            self.ahead.push_back(self.began + offset);
        }
        !self.is_drawn
    }

    /// The next one for a session that is free; None when there is none any more.
    pub(crate) fn claim(&mut self) -> Option<Instant> {
        if self.is_closed {
            return None;
        }
        if self.ahead.is_empty() && !self.is_drawn {
            self.draw();
        }
        self.ahead.pop_front()
    }

    /// How many are due and wait for a session.
    pub(crate) fn waiting(&mut self, now: Instant) -> usize {
        while !self.is_drawn && self.ahead.back().is_none_or(|last| *last <= now) {
            self.draw();
        }
        self.ahead.iter().take_while(|at| **at <= now).count()
    }

    /// Lets nobody begin any more; how many were due and waited.
    pub(crate) fn close(&mut self, now: Instant) -> usize {
        self.is_closed = true;
        self.waiting(now)
    }
}

#[cfg(test)]
mod tests {
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

    #[test]
    fn looking_at_who_waits_changes_neither_which_starts_there_are_nor_their_order() {
        let began = Instant::now();
        let all = |looks: bool| {
            let mut starts = Starts::at(100.0, Duration::from_secs(5), 7, began);
            let mut claimed = Vec::new();
            loop {
                if looks && claimed.len().is_multiple_of(17) {
                    starts.waiting(began + Duration::from_millis(claimed.len() as u64 * 9));
                }
                match starts.claim() {
                    Some(at) => claimed.push(at),
                    None => return claimed,
                }
            }
        };
        let plain = all(false);
        assert!((400..600).contains(&plain.len()), "five seconds at a hundred: {}", plain.len());
        assert_eq!(plain, all(true), "drawn ahead or not");
    }

    #[test]
    fn who_is_due_and_not_claimed_waits() {
        let began = Instant::now();
        let mut starts = Starts::at(100.0, Duration::from_secs(5), 7, began);
        let first = starts.claim().expect("the first one is at the very beginning");
        assert_eq!(first, began);
        let at = began + Duration::from_secs(1);
        let waiting = starts.waiting(at);
        assert!((60..140).contains(&waiting), "a second's starts wait: {waiting}");
        starts.claim();
        assert_eq!(starts.waiting(at), waiting - 1, "one has begun");
        assert_eq!(starts.close(at), waiting - 1, "the others never do");
        assert_eq!(starts.claim(), None, "nobody begins after the end");
    }
}
