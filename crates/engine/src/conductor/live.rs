//! What a conductor holds while it drives: the journal, the pair once it is connected, and what was last measured.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU32, Ordering},
};
use std::time::{Duration, Instant};

use switchyard_model::{Side, UnixMs, gate::Facts, lag::LagSample, state::State};

use super::{
    Event, Parts,
    drift::Seen,
    errors::Counters,
    failing::{Failing, Told},
    headroom,
    transactions::FirstSeen,
};
use crate::{
    facts::{ANALYSIS, Analysis, Snapshot},
    heartbeat::{Beats, Latency, Meter, WINDOW_MS},
    probes::Probed,
    saga::{Book, Cx, Pair, Progress},
    store::{Cached, MigrationId, Series},
    watchdog::Watchdog,
};

/// The live side of a conductor.
pub struct Live {
    /// What it is made of.
    pub parts: Parts,
    /// The journal.
    pub book: Arc<Book>,
    /// Numbers of beats.
    pub beats: Arc<Beats>,
    /// Meter of the stream that leaves the source.
    pub forward: Arc<Mutex<Meter>>,
    /// Meter of the stream that leaves the target.
    pub reverse: Arc<Mutex<Meter>>,
    /// Commit times of beats on the source and on the target.
    pub latency: [Arc<Mutex<Latency>>; 2],
    /// Progress of the step that runs.
    pub progress: Progress,
    /// Samples that wait to be written.
    pub samples: Mutex<Vec<(Series, UnixMs, f64)>>,
    /// The lag limit, ms; kept here so that the beat need not ask the journal each second.
    lag_limit_ms: AtomicU32,
    watchdog: Mutex<Option<Watchdog>>,
    began: Instant,
    /// The run whose recovery is in the journal; 0 before the first.
    /// The open run that is being recovered, and since when.
    recovering: Mutex<Option<(i64, Instant)>>,
    analysis: Cached<Analysis>,
    pair: tokio::sync::RwLock<Option<Pair>>,
    snapshot: Mutex<Snapshot>,
    /// What the tables looked like at the last look.
    pub(super) shapes: tokio::sync::Mutex<Option<Seen>>,
    /// Held while the routers are asked.
    pub(super) asks_routers: tokio::sync::Mutex<()>,
    /// What probes of both sides showed.
    pub(super) probed: Mutex<Probed>,
    counters: Mutex<Counters>,
    /// Statements that fail, by both logs; held while they are read.
    pub(super) failing: tokio::sync::Mutex<Failing>,
    failing_told: Mutex<Told>,
    /// Connections and kept log, lately.
    pub(super) room: Mutex<headroom::History>,
    /// Transactions whose age may not be seen.
    pub(super) first_seen: Mutex<FirstSeen>,
}

impl Live {
    /// With the journal just opened.
    pub async fn new(parts: Parts, book: Book) -> Live {
        let clock = parts.clock.clone();
        // What was measured before a restart is on the screen at once; its age says how old it is.
        let old: Option<(i64, Snapshot)> =
            parts.store.snapshot(book.migration(), crate::facts::SNAPSHOT).await.unwrap_or(None);
        let snapshot = Snapshot {
            copy: old.as_ref().and_then(|(_, s)| s.copy.clone()),
            write_latency: old.as_ref().and_then(|(_, s)| s.write_latency),
            source: old.as_ref().map(|(_, s)| s.source.clone()).unwrap_or_default(),
            target: old.map(|(_, s)| s.target).unwrap_or_default(),
            ..Snapshot::default()
        };
        let forward = remembered(&parts, book.migration(), Series::LagForward).await;
        let reverse = remembered(&parts, book.migration(), Series::LagReverse).await;
        let began = clock.instant();
        let limit = book.state().await.limits().lag_limit_ms;
        Live {
            samples: Mutex::default(),
            lag_limit_ms: AtomicU32::new(limit),
            parts,
            book: Arc::new(book),
            beats: Arc::new(Beats::new(clock)),
            forward,
            reverse,
            latency: [Arc::default(), Arc::default()],
            progress: Progress::default(),
            watchdog: Mutex::default(),
            began,
            recovering: Mutex::default(),
            analysis: Cached::new(ANALYSIS),
            pair: tokio::sync::RwLock::new(None),
            snapshot: Mutex::new(snapshot),
            shapes: tokio::sync::Mutex::default(),
            asks_routers: tokio::sync::Mutex::default(),
            probed: Mutex::default(),
            counters: Mutex::default(),
            failing: tokio::sync::Mutex::default(),
            failing_told: Mutex::default(),
            room: Mutex::default(),
            first_seen: Mutex::default(),
        }
    }

    /// The pair, once both sides answered.
    pub async fn pair(&self) -> Option<Pair> {
        self.pair.read().await.clone()
    }

    /// Sets or forgets the pair.
    pub async fn set_pair(&self, pair: Option<Pair>) {
        *self.pair.write().await = pair;
    }

    /// The document under construction.
    pub fn snapshot(&self) -> MutexGuard<'_, Snapshot> {
        self.snapshot.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What probes showed.
    pub(super) fn probed(&self) -> MutexGuard<'_, Probed> {
        self.probed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Everybody's counters over the last minute.
    pub(super) fn counters(&self) -> MutexGuard<'_, Counters> {
        self.counters.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Which statements were last seen to fail.
    pub(super) fn failing_told(&self) -> Told {
        self.failing_told.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// They were seen now.
    pub(super) fn tell_failing(&self, told: Told) {
        *self.failing_told.lock().unwrap_or_else(PoisonError::into_inner) = told;
    }

    /// How long this conductor has been driving.
    pub fn age(&self) -> Duration {
        self.parts.clock.instant().duration_since(self.began)
    }

    /// The lag limit, ms.
    pub fn limit_ms(&self) -> u32 {
        self.lag_limit_ms.load(Ordering::Relaxed)
    }

    /// Takes a new lag limit over.
    pub fn set_limit_ms(&self, ms: u32) {
        self.lag_limit_ms.store(ms, Ordering::Relaxed);
    }

    /// The meter of the stream that leaves a side.
    pub fn meter(&self, from: Side) -> &Arc<Mutex<Meter>> {
        match from {
            Side::Source => &self.forward,
            Side::Target => &self.reverse,
        }
    }

    /// The commit times on a side.
    pub fn latency_on(&self, side: Side) -> &Arc<Mutex<Latency>> {
        match side {
            Side::Source => &self.latency[0],
            Side::Target => &self.latency[1],
        }
    }

    /// The facts for the gates, as of now.
    pub async fn facts(&self) -> Facts {
        let now = self.parts.clock.now();
        let analysis = self.analysis.get(&self.parts.store, self.book.migration()).await.unwrap_or(None);
        let meter = |m: &Mutex<Meter>| m.lock().unwrap_or_else(PoisonError::into_inner).facts(now);
        let latency = self.probed().latency(now);
        let seen = self.snapshot().facts.clone();
        Facts {
            analysis: analysis.map(|(_, a)| a.facts()),
            forward: meter(&self.forward),
            reverse: meter(&self.reverse),
            latency,
            // The reconcilers put what they see into the document itself.
            ..seen
        }
    }

    /// What a step may use, for a run; None while a side does not answer.
    pub async fn cx(&self, state: State, run: i64) -> Option<Cx> {
        Some(Cx {
            pair: self.pair().await?,
            book: self.book.clone(),
            state: Arc::new(state),
            run,
            beats: self.beats.clone(),
            clock: self.parts.clock.clone(),
            progress: self.progress.clone(),
            session: Arc::default(),
            launcher: self.parts.watchdog.clone(),
            recall: Default::default(),
            dump: Arc::default(),
        })
    }

    /// Tells hosts.
    pub fn tell(&self, event: Event) {
        // Nobody listening is fine.
        let _ = self.parts.events.send(event);
    }

    /// Whether this is the first attempt of this process at recovering a run; further ones are not journaled.
    pub fn begins_recovery(&self, run: i64) -> bool {
        let mut recovering = self.recovering.lock().unwrap_or_else(PoisonError::into_inner);
        let begins = recovering.is_none_or(|(known, _)| known != run);
        if begins {
            *recovering = Some((run, self.parts.clock.instant()));
        }
        begins
    }

    /// For how long it has been tried.
    pub fn recovering_for(&self) -> Duration {
        let recovering = self.recovering.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.parts.clock.instant();
        recovering.map(|(_, began)| now.duration_since(began)).unwrap_or_default()
    }

    /// Keeps the watchdog of a run beyond its end.
    pub fn keep_watchdog(&self, watchdog: Option<Watchdog>) {
        if let Some(watchdog) = watchdog {
            *self.watchdog.lock().unwrap_or_else(PoisonError::into_inner) = Some(watchdog);
        }
    }

    /// Whether somebody watches this process.
    pub fn is_watched(&self) -> bool {
        self.watchdog.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Nobody is held any more.
    pub async fn dismiss_watchdog(&self) {
        let watchdog = self.watchdog.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(watchdog) = watchdog {
            watchdog.stand_down().await;
        }
    }

    /// Lets connections go.
    pub async fn close(&self) {
        self.set_pair(None).await;
    }
}

/// A meter that knows what was measured in its window before this process began to drive.
async fn remembered(parts: &Parts, migration: MigrationId, series: Series) -> Arc<Mutex<Meter>> {
    let now = parts.clock.now();
    let mut meter = Meter::default();
    match parts.store.samples(migration, series, now - WINDOW_MS, now, now).await {
        Ok(buckets) => meter.remember(buckets.iter().map(|b| LagSample { at: b.at, ms: b.high })),
        Err(e) => tracing::warn!(error = %e, "what was measured before could not be read; the window starts empty"),
    }
    Arc::new(Mutex::new(meter))
}
