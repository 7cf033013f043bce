//! A reconciler: reads the application's own metrics. The gate judges.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use switchyard_model::application::{MetricFact, PERIOD_MS, Reading, SetUp, Unread};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{Live, reconcilers::is_ending};
use crate::prometheus::Prometheus;

/// How often it is looked which one is due, and whether there are others.
const LOOK: Duration = Duration::from_millis(500);

/// Reads until stopped.
pub(super) async fn watch(live: Arc<Live>, stop: CancellationToken) {
    tokio::select! {
        () = rounds(live) => {}
        () = stop.cancelled() => {}
    }
}

/// Each metric is read by itself, so that one server that hangs delays no other; and never twice at the same time.
async fn rounds(live: Arc<Live>) {
    let mut tick = tokio::time::interval(LOOK);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let prometheus = Arc::new(Prometheus::default());
    let mut due = Due::default();
    let mut looks = JoinSet::new();
    loop {
        tokio::select! {
            _ = tick.tick() => {
                let metrics = live.book.look(|s| if is_ending(s) { Vec::new() } else { s.metrics.clone() }).await;
                for of in due.taken(&metrics, live.parts.clock.instant()) {
                    looks.spawn(look(live.clone(), prometheus.clone(), of));
                }
                forget(&live, &metrics);
            }
            Some(ended) = looks.join_next() => {
                if let Ok((of, read)) = ended {
                    due.is_back(of.seq);
                    keep(&live, &of, read);
                }
            }
        }
    }
}

async fn look(live: Arc<Live>, prometheus: Arc<Prometheus>, of: SetUp) -> (SetUp, Result<Reading, Unread>) {
    let read = prometheus.look(&of.metric, &live.parts.keychain).await;
    (of, read)
}

fn keep(live: &Live, of: &SetUp, read: Result<Reading, Unread>) {
    let at = live.parts.clock.now();
    let mut snapshot = live.snapshot();
    let facts = snapshot.facts.application.get_or_insert_default();
    let fact = MetricFact::after(of, facts.of(of.seq), at, read);
    facts.metrics.retain(|m| m.seq != of.seq);
    facts.metrics.push(fact);
}

fn forget(live: &Live, metrics: &[SetUp]) {
    if let Some(facts) = &mut live.snapshot().facts.application {
        facts.metrics.retain(|fact| metrics.iter().any(|m| m.seq == fact.seq));
    }
}

/// When each was last asked for, and whether its answer is awaited.
#[derive(Default)]
struct Due(HashMap<i64, (Instant, bool)>);

impl Due {
    /// Those that are to be read now.
    fn taken(&mut self, metrics: &[SetUp], now: Instant) -> Vec<SetUp> {
        self.0.retain(|seq, _| metrics.iter().any(|m| m.seq == *seq));
        let period = Duration::from_millis(PERIOD_MS as u64);
        let is_due = |(asked, awaited): &(Instant, bool)| !awaited && now.duration_since(*asked) >= period;
        let due: Vec<SetUp> = metrics.iter().filter(|m| self.0.get(&m.seq).is_none_or(is_due)).cloned().collect();
        for m in &due {
            self.0.insert(m.seq, (now, true));
        }
        due
    }

    fn is_back(&mut self, seq: i64) {
        if let Some((_, awaited)) = self.0.get_mut(&seq) {
            *awaited = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use switchyard_model::application::{Bound, Metric, MetricLogin};

    use super::*;

    fn metric(seq: i64) -> SetUp {
        let metric = Metric {
            name: format!("m{seq}"),
            url: "https://p".into(),
            query: "up".into(),
            bound: Bound::Above,
            limit: 1.0,
            for_s: 0,
            unit: String::new(),
            login: MetricLogin::None,
            ca_file: None,
        };
        SetUp { seq, at: 0, by: "ann".into(), metric }
    }

    #[test]
    fn one_that_hangs_is_not_asked_twice_and_delays_no_other() {
        let (mut due, began) = (Due::default(), Instant::now());
        let metrics = [metric(1), metric(2)];
        let at = |due: &mut Due, s| {
            due.taken(&metrics, began + Duration::from_secs(s)).iter().map(|m| m.seq).collect::<Vec<_>>()
        };
        assert_eq!(at(&mut due, 0), [1, 2], "new ones are read at once");
        due.is_back(2);
        assert_eq!(at(&mut due, 4), [0; 0], "not yet");
        assert_eq!(at(&mut due, 5), [2], "the other one still waits for its answer");
        due.is_back(1);
        assert_eq!(at(&mut due, 6), [1]);
    }
}
