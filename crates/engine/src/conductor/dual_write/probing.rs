//! Small writes: some at once for a figure before and after, and one after the other while commits wait.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use switchyard_model::dual_write::{AWAY_MS, Breaker, PACE_MS, Percentiles};
use tokio_util::sync::CancellationToken;

use crate::{
    clock::SharedClock,
    db::{Database, synchronous::Line},
    error::{Error, Kind, Result},
};

/// How long it is measured before.
pub(super) const BEFORE: Duration = Duration::from_secs(2);

/// How long it is tried out before anybody else waits, and measured afterwards.
pub(super) const SHORT: Duration = Duration::from_millis(1_000);

/// Between two of the writes that give a figure.
const PAUSE: Duration = Duration::from_millis(10);

/// Longest that one write may take that waits for our own disk alone.
const LONGEST: Duration = Duration::from_secs(5);

/// Between two attempts at a session that was lost.
const AGAIN: Duration = Duration::from_millis(500);

/// What small writes take within a span, and what transactions of others took meanwhile. With `waits` each waits for the target.
///
/// # Errors
/// `Deadline` when a write stays out for longer than a target may be away, or five seconds where it does not wait for one.
pub(super) async fn measure(
    source: &Database,
    line: &mut dyn Line,
    clock: &SharedClock,
    waits: bool,
    span: Duration,
) -> Result<Percentiles> {
    let doing = "measuring small writes";
    let mut prober = source.synchronous.prober(waits).await?;
    let longest = if waits { Duration::from_millis(AWAY_MS) } else { LONGEST };
    let began = clock.instant();
    let active = line.watch(None).await?.active;
    let mut times = Vec::new();
    while clock.instant().duration_since(began) < span {
        let sent = clock.instant();
        match tokio::time::timeout(longest, prober.write()).await {
            Ok(written) => written?,
            Err(_) => {
                let why = format!("a write was out for longer than {} s", longest.as_secs());
                return Err(Error::new(Kind::Deadline, doing, why));
            }
        }
        times.push(ms(clock, sent));
        tokio::time::sleep(PAUSE).await;
    }
    let workload = per_transaction(active, line.watch(None).await?.active);
    // The first ones pay for plans and pages; the others tell what a session that is there takes.
    let warm = times.get(5..).filter(|t| !t.is_empty()).unwrap_or(&times);
    Percentiles::of(warm, workload).ok_or_else(|| Error::new(Kind::Deadline, doing, "no write came back"))
}

/// Mean time that a transaction was active between two looks, ms.
pub(super) fn per_transaction(from: Option<(f64, i64)>, to: Option<(f64, i64)>) -> Option<f64> {
    let ((ms0, n0), (ms1, n1)) = from.zip(to)?;
    (n1 > n0 && ms1 >= ms0).then(|| (ms1 - ms0) / (n1 - n0) as f64)
}

fn ms(clock: &SharedClock, since: Instant) -> f64 {
    clock.instant().duration_since(since).as_secs_f64() * 1000.0
}

/// Small writes that wait for the target as the application's do, and how long the present one has been out.
pub(super) struct Probing {
    shared: Arc<Mutex<Shared>>,
    clock: SharedClock,
    stop: CancellationToken,
}

#[derive(Default)]
struct Shared {
    breaker: Breaker,
    out_since: Option<Instant>,
}

impl Probing {
    /// Begins; dropping it ends the writes.
    pub(super) fn start(source: Database, clock: SharedClock, budget_ms: f64) -> Probing {
        let (shared, stop) = (Arc::<Mutex<Shared>>::default(), CancellationToken::new());
        let probing = Probing { shared: shared.clone(), clock: clock.clone(), stop: stop.clone() };
        tokio::spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = write_on(&source, &shared, &clock, budget_ms) => {}
            }
        });
        probing
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What writes took.
    pub(super) fn figures(&self, workload_ms: Option<f64>) -> Option<Percentiles> {
        self.shared().breaker.figures(workload_ms)
    }

    /// Why the budget is passed.
    pub(super) fn over(&self, budget_ms: f64) -> Option<String> {
        self.shared().breaker.over(budget_ms)
    }

    /// Why the target counts as away.
    pub(super) fn away(&self) -> Option<String> {
        let since = self.shared().out_since?;
        Breaker::away(ms(&self.clock, since))
    }
}

impl Drop for Probing {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn write_on(source: &Database, shared: &Mutex<Shared>, clock: &SharedClock, budget_ms: f64) {
    let shared = || shared.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        let Ok(mut prober) = source.synchronous.prober(true).await else {
            // The source does not answer: nobody's commit comes back, and nothing of ours can change that.
            tokio::time::sleep(AGAIN).await;
            continue;
        };
        loop {
            let sent = clock.instant();
            shared().out_since = Some(sent);
            let written = prober.write().await;
            let took = ms(clock, sent);
            shared().out_since = None;
            match written {
                Ok(()) => shared().breaker.took(took, budget_ms),
                Err(e) => {
                    tracing::debug!(error = %e, "a small write failed");
                    break;
                }
            }
            tokio::time::sleep(Duration::from_millis(PACE_MS)).await;
        }
        tokio::time::sleep(AGAIN).await;
    }
}

#[cfg(test)]
mod tests {
    use super::per_transaction;

    #[test]
    fn a_mean_needs_transactions_and_a_server_that_counts() {
        assert_eq!(per_transaction(Some((10.0, 4)), Some((16.0, 7))), Some(2.0));
        assert_eq!(per_transaction(Some((10.0, 4)), Some((10.0, 4))), None, "nobody did anything");
        assert_eq!(per_transaction(Some((10.0, 4)), Some((1.0, 9))), None, "the server's counters were reset");
        assert_eq!(per_transaction(None, Some((1.0, 9))), None);
    }
}
