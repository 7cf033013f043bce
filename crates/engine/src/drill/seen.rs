//! What the canary has seen, and what it makes of it. Pure but for the clock that its caller reads.

use std::{
    collections::{BTreeSet, VecDeque},
    time::{Duration, Instant},
};

use switchyard_model::{Side, drill::Measured, lag::percentile};

use super::run::ms;

/// How many reads the canary remembers.
const KEPT: usize = 500;
/// Reads that ended longer ago say nothing of now.
const LATELY: Duration = Duration::from_secs(1);
/// The same of slow reads: of those a single connection has few in a second.
const LATELY_SLOW: Duration = Duration::from_secs(5);
/// So many failed where reads had failed before as well: that is no accident.
const FAILURES: usize = 3;
/// Slower than this, and than [`SLOWER`] times as before, is slow, ms.
const SLOW_MS: f64 = 100.0;
const SLOWER: f64 = 5.0;

/// One read.
#[derive(Debug, Clone)]
struct Read {
    ended: Instant,
    ms: f64,
    /// Who answered, where that is known, or what went wrong.
    answer: Result<Side, String>,
}

/// What all of the canary's sessions saw.
#[derive(Debug, Default)]
pub(super) struct Seen {
    reads: VecDeque<Read>,
    /// Reads that each reader has had answered by the source in a row, since the target last answered it.
    pub(super) from_source: Vec<u32>,
    /// When a read last reached the target.
    pub(super) last_on_target: Option<Instant>,
    /// Writes that were acknowledged.
    pub(super) acknowledged: BTreeSet<i64>,
    /// Writes whose answer did not come.
    pub(super) uncertain: usize,
    /// The longest wait for the answer to a write since the failure.
    pub(super) longest_write: Duration,
    /// Requests since the failure, and those that failed.
    pub(super) requests: u64,
    pub(super) failed: u64,
    /// When the failure was put on.
    pub(super) since: Option<Instant>,
    /// Of reads before the failure, ms.
    pub(super) before_ms: Option<f64>,
    /// Whether a request that fails is one that reached the target.
    target_fails: bool,
    /// Whether reads failed before the failure.
    failed_before: bool,
    /// Reads that were answered, by either side.
    pub(super) answered: u64,
    /// The newest failure in words.
    pub(super) last_failure: Option<String>,
}

impl Seen {
    /// By so many readers, before anything happened.
    pub(super) fn by(readers: usize) -> Seen {
        Seen { from_source: vec![0; readers], ..Seen::default() }
    }

    /// A read ended. A failure counts as the target's where the target is what fails.
    pub(super) fn read(&mut self, reader: usize, began: Instant, ended: Instant, answer: Result<Side, String>) {
        self.count(answer.is_err(), ended);
        self.answered += u64::from(answer.is_ok());
        match &answer {
            Ok(Side::Target) => {
                self.last_on_target = Some(ended);
                self.from_source[reader] = 0;
            }
            Ok(Side::Source) => self.from_source[reader] += 1,
            Err(why) => {
                self.last_failure = Some(why.clone());
                if self.target_fails {
                    self.last_on_target = Some(ended);
                    self.from_source[reader] = 0;
                }
            }
        }
        self.reads.push_back(Read { ended, ms: (ended - began).as_secs_f64() * 1000.0, answer });
        if self.reads.len() > KEPT {
            self.reads.pop_front();
        }
    }

    /// A write ended: acknowledged, refused, or without an answer.
    pub(super) fn wrote(&mut self, n: i64, began: Instant, ended: Instant, answer: Written) {
        self.count(!matches!(answer, Written::Acknowledged), ended);
        match answer {
            Written::Acknowledged => {
                self.acknowledged.insert(n);
                if self.since.is_some_and(|since| ended > since) {
                    self.longest_write = self.longest_write.max(ended - began);
                }
            }
            Written::Refused(why) => self.last_failure = Some(why),
            Written::Uncertain(why) => {
                self.uncertain += 1;
                self.last_failure = Some(why);
            }
        }
    }

    fn count(&mut self, failed: bool, ended: Instant) {
        if self.since.is_some_and(|since| ended > since) {
            self.requests += 1;
            self.failed += u64::from(failed);
        }
    }

    /// The failure is put on now; whether requests that fail from here on are those that reach the target.
    pub(super) fn begin(&mut self, now: Instant, target_fails: bool) {
        self.target_fails = target_fails;
        let ms: Vec<f64> = self.reads.iter().filter(|r| r.answer.is_ok()).map(|r| r.ms).collect();
        self.before_ms = percentile(&ms, 50.0);
        self.failed_before = self.reads.iter().any(|r| r.answer.is_err());
        self.last_on_target = None;
        self.since = Some(now);
    }

    /// What is wrong, by the reads since the failure in the last moments; None while nothing is. One read that fails is an alarm
    /// where none had failed before: a pooler opens its next connection elsewhere, so that no second one may come.
    pub(super) fn alarm(&self, now: Instant) -> Option<String> {
        let since = self.since?;
        let lately = |within| {
            let counts = move |r: &&Read| r.ended > since && now.saturating_duration_since(r.ended) < within;
            self.reads.iter().rev().take_while(counts)
        };
        let newest: Vec<&Read> = lately(LATELY).collect();
        let failures: Vec<&String> = newest.iter().filter_map(|r| r.answer.as_ref().err()).collect();
        let enough = if self.failed_before { FAILURES } else { 1 };
        if let (Some(why), true) = (failures.first(), failures.len() >= enough) {
            return Some(format!("the canary: {} of its last {} reads failed: {why}", failures.len(), newest.len()));
        }
        let on_target = lately(LATELY_SLOW).filter(|r| matches!(r.answer, Ok(Side::Target)));
        let there: Vec<f64> = on_target.map(|r| r.ms).take(FAILURES).collect();
        let (takes, before) = (percentile(&there, 50.0)?, self.before_ms?);
        (there.len() >= FAILURES && takes > SLOW_MS.max(before * SLOWER))
            .then(|| format!("the canary: its reads take {takes:.0} ms on the target, {before:.1} ms before"))
    }

    /// What it measured since the failure, but for the ledger.
    pub(super) fn tell(&self, measured: &mut Measured) {
        measured.requests = self.requests;
        measured.failed_requests = self.failed;
        measured.longest_write_ms = self.longest_write.as_secs_f64() * 1000.0;
        measured.last_request_on_target_ms = self.since.zip(self.last_on_target).map(|(from, to)| ms(from, to));
    }

    /// Whether nobody has been answered by the target in a while: each reader was answered by the source so often in a row.
    pub(super) fn has_left_target(&self) -> bool {
        const IN_A_ROW: u32 = 20;
        self.from_source.iter().all(|n| *n >= IN_A_ROW)
    }
}

/// How a write ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Written {
    /// The server said so.
    Acknowledged,
    /// The server refused it: it is not there.
    Refused(String),
    /// No answer: it may be there.
    Uncertain(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(readers: usize) -> (Seen, Instant) {
        let now = Instant::now();
        let mut seen = Seen::by(readers);
        for i in 0..20 {
            let t = now + Duration::from_millis(i);
            seen.read(0, t, t + Duration::from_millis(1), Ok(Side::Target));
        }
        let since = now + Duration::from_millis(100);
        seen.begin(since, false);
        (seen, since)
    }

    #[test]
    fn failures_and_slowness_after_the_failure_are_told_and_nothing_before() {
        let (mut one, since) = seen(1);
        assert_eq!(one.alarm(since), None, "what was before says nothing");
        let t = since + Duration::from_millis(5);
        one.read(0, t, t, Err("server closed".into()));
        assert!(one.alarm(t).unwrap().contains("1 of its last 1 reads failed: server closed"));
        assert_eq!(one.alarm(t + LATELY), None, "what was a while ago says nothing of now");
        assert_eq!((one.requests, one.failed), (1, 1));

        let mut shaky = Seen::by(1);
        shaky.read(0, since, since, Err("now and then".into()));
        shaky.begin(since, false);
        for (i, alarm) in [(1, false), (2, false), (3, true)] {
            let t = since + Duration::from_millis(i);
            shaky.read(0, t, t, Err("now and then".into()));
            assert_eq!(shaky.alarm(t).is_some(), alarm, "where reads failed before, {i} more are {alarm}");
        }

        let (mut slow, since) = seen(1);
        for i in 1..=3 {
            slow.read(0, since, since + Duration::from_millis(250 + i), Ok(Side::Target));
        }
        let alarm = slow.alarm(since + Duration::from_millis(260)).unwrap();
        assert!(alarm.contains("on the target, 1.0 ms before"), "{alarm}");
        let still = slow.alarm(since + Duration::from_secs(4));
        assert!(still.is_some(), "one connection has few slow reads in a second");
        assert_eq!(slow.alarm(since + Duration::from_secs(6)), None, "what was a while ago says nothing of now");
    }

    #[test]
    fn the_target_is_left_once_every_reader_stays_at_the_source() {
        let (mut seen, since) = seen(2);
        let mut read = |reader, side, n| {
            for i in 0..n {
                seen.read(reader, since, since + Duration::from_millis(i + 1), Ok(side));
            }
            seen.has_left_target()
        };
        assert!(!read(0, Side::Source, 20), "the second reader has said nothing yet");
        assert!(read(1, Side::Source, 20));
        assert!(!read(1, Side::Target, 1), "one answer of the target begins anew");
        assert_eq!(seen.last_on_target, Some(since + Duration::from_millis(1)));
        seen.begin(since, true);
        let late = since + Duration::from_secs(1);
        seen.read(0, late, late, Err("asked for".into()));
        assert_eq!(seen.last_on_target, Some(late), "where the target fails, a failure comes from there");
    }

    #[test]
    fn the_longest_wait_is_of_writes_that_ended_after_the_failure() {
        let (mut seen, since) = seen(1);
        seen.wrote(1, since - Duration::from_secs(9), since - Duration::from_secs(1), Written::Acknowledged);
        seen.wrote(2, since, since + Duration::from_millis(40), Written::Acknowledged);
        seen.wrote(3, since, since + Duration::from_millis(50), Written::Uncertain("reset".into()));
        assert_eq!(seen.longest_write, Duration::from_millis(40));
        assert_eq!((seen.acknowledged.len(), seen.uncertain, seen.failed), (2, 1, 1));
    }
}
