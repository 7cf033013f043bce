//! Retries and failed connections, counted over the last minutes: HAProxy's own counters only ever grow.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::answer::Stat;

/// How long something stays worth a warning.
const LATELY: Duration = Duration::from_secs(300);

/// Past counters, oldest first.
#[derive(Default)]
pub(super) struct Trouble(Mutex<VecDeque<Seen>>);

struct Seen {
    at: Instant,
    retries: u64,
    failed: u64,
}

impl Trouble {
    /// Takes new counters in and says what was added lately.
    pub(super) fn since_lately(&self, stats: &[Stat]) -> Option<String> {
        let backends = || stats.iter().filter(|s| s.server == "BACKEND");
        let now = Seen {
            at: Instant::now(),
            retries: backends().map(|s| s.retries).sum(),
            failed: backends().map(|s| s.failed).sum(),
        };
        let mut past = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A counter that fell means that HAProxy was restarted.
        if past.back().is_some_and(|p| p.retries > now.retries || p.failed > now.failed) {
            past.clear();
        }
        while past.front().is_some_and(|p| now.at.duration_since(p.at) > LATELY) {
            past.pop_front();
        }
        let (retries, failed) = past.front().map_or((0, 0), |p| (now.retries - p.retries, now.failed - p.failed));
        past.push_back(now);
        sentence(retries, failed)
    }
}

fn sentence(retries: u64, failed: u64) -> Option<String> {
    let plural = |n: u64, one: &str, many: &str| format!("{n} {}", if n == 1 { one } else { many });
    let mut parts = Vec::new();
    if retries > 0 {
        parts.push(plural(retries, "retry", "retries"));
    }
    if failed > 0 {
        parts.push(plural(failed, "failed connection", "failed connections"));
    }
    if parts.is_empty() { None } else { Some(format!("{} in the last 5 min", parts.join(", "))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn backend(retries: u64, failed: u64) -> Vec<Stat> {
        vec![Stat { proxy: "rw".into(), server: "BACKEND".into(), sessions: 0, retries, failed }]
    }

    #[test]
    fn only_what_is_new_counts() {
        let t = Trouble::default();
        assert_eq!(t.since_lately(&backend(7, 3)), None, "what happened before anybody looked is no news");
        assert_eq!(t.since_lately(&backend(8, 3)).as_deref(), Some("1 retry in the last 5 min"));
        assert_eq!(
            t.since_lately(&backend(9, 5)).as_deref(),
            Some("2 retries, 2 failed connections in the last 5 min")
        );
        assert_eq!(t.since_lately(&backend(0, 0)), None, "a restarted HAProxy starts over");
    }
}
