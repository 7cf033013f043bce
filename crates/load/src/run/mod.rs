//! Holds a rate for a time, on a thread of its own: what else the program does must not make anybody late. All sessions are on it,
//! and wait for the time of their next start there.

mod seen;
mod worker;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use rand::{SeedableRng, rngs::StdRng};
use tokio::{
    sync::{mpsc::UnboundedSender, oneshot},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use self::{seen::Seen, worker::Worker};
use crate::{
    Sessions,
    alarm::Alarm,
    figures::Figures,
    pace::Starts,
    script::{Mix, Number, Variables},
};

/// How long what waits, and then what has begun, may go on at the end.
const LAST_WORDS: Duration = Duration::from_secs(5);
/// So many seconds in a row have to break a bound.
const IN_A_ROW: u32 = 2;

/// A rate that is held.
#[derive(Debug, Clone)]
pub struct Hold {
    /// Transactions that begin each second, above 0.
    pub per_second: f64,
    /// For how long.
    pub time: Duration,
    /// Sessions; more transactions than these never run at once.
    pub sessions: usize,
    /// What every script finds as its variables.
    pub variables: Variables,
    /// Seed of what is drawn: the same one draws the same.
    pub seed: u64,
}

/// When it ends by itself.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// P99 of the latency in a second, ms.
    pub p99_ms: Option<f64>,
    /// Failed transactions in a second, share of all, 0–1.
    pub failed: Option<f64>,
    /// Transactions that wait for a session, as seconds of the rate.
    pub backlog_s: f64,
}

/// One second, for whoever looks on.
#[derive(Debug, Clone, PartialEq)]
pub struct Second {
    /// Transactions that should begin each second just now.
    pub asked_per_second: f64,
    /// Transactions that ended in it, failed ones with them.
    pub ended: u64,
    /// Failed ones.
    pub failed: u64,
    /// P99 of the latency in it, ms.
    pub p99_ms: Option<f64>,
    /// Transactions that wait for a session.
    pub waiting: usize,
}

/// A way to end it, and to look on.
#[derive(Debug, Clone, Default)]
pub struct Stopped {
    /// Ends it in order when it is cancelled.
    pub stop: CancellationToken,
    /// Told each second.
    pub seconds: Option<UnboundedSender<Second>>,
}

/// Holds a rate; returns when its time is over, a bound is broken, or it is stopped.
///
/// # Errors
/// A sentence when it could not begin: no session can be opened.
pub async fn hold(
    sessions: Arc<dyn Sessions>,
    mix: Arc<Mix>,
    hold: Hold,
    bounds: Bounds,
    stopped: Stopped,
) -> Result<Figures, String> {
    let (tell, told) = oneshot::channel();
    let thread = std::thread::Builder::new().name("load".to_owned()).spawn(move || {
        // Looks at the network often: an answer that is there is an answer that somebody waits for.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().event_interval(13).build();
        let figures = match runtime {
            Ok(runtime) => runtime.block_on(held(sessions, mix, hold, bounds, stopped)),
            Err(e) => Err(format!("The load's own thread cannot work: {e}.")),
        };
        // Nobody waits any more where the receiver is gone.
        let _ = tell.send(figures);
    });
    thread.map_err(|e| format!("A thread for the load cannot be started: {e}."))?;
    told.await.unwrap_or_else(|_| Err("The load's thread ended without a word.".to_owned()))
}

/// What sessions share.
struct Shared {
    began: Instant,
    starts: Mutex<Starts>,
    seen: Mutex<Seen>,
    stop: CancellationToken,
}

impl Shared {
    fn starts(&self) -> MutexGuard<'_, Starts> {
        self.starts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next start for a session that is free.
    fn claim(&self) -> Option<Instant> {
        self.starts().claim()
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn held(
    sessions: Arc<dyn Sessions>,
    mix: Arc<Mix>,
    hold: Hold,
    bounds: Bounds,
    stopped: Stopped,
) -> Result<Figures, String> {
    let workers = workers(sessions, &mix, &hold).await?;
    let began = Instant::now();
    let shared = Arc::new(Shared {
        began,
        starts: Mutex::new(Starts::at(hold.per_second, hold.time, hold.seed, began)),
        seen: Mutex::new(Seen::new(began)?),
        stop: stopped.stop.child_token(),
    });
    let mut working = JoinSet::new();
    for worker in workers {
        working.spawn(worker.work(shared.clone()));
    }
    let watch = tokio::spawn(watch(shared.clone(), hold.per_second, bounds, stopped.seconds));
    let left_waiting = to_the_end(&shared, hold.time, &mut working).await;
    watch.abort();
    Ok(shared.seen().figures(&hold, began, shared.stop.is_cancelled(), left_waiting))
}

/// Sessions that are open, each with variables and draws of its own.
async fn workers(sessions: Arc<dyn Sessions>, mix: &Arc<Mix>, hold: &Hold) -> Result<Vec<Worker>, String> {
    let mut workers = Vec::new();
    for n in 0..hold.sessions {
        let session = sessions.open().await;
        let session =
            session.map_err(|t| format!("Session {} of {} cannot be opened. {}", n + 1, hold.sessions, t.sentence))?;
        let mut variables = hold.variables.clone();
        variables.insert("client_id".to_owned(), Number::Whole(i64::try_from(n).unwrap_or(i64::MAX)));
        workers.push(Worker {
            sessions: sessions.clone(),
            session: Some(session),
            mix: mix.clone(),
            variables,
            rng: StdRng::seed_from_u64(hold.seed.wrapping_add(n as u64 + 1)),
            alarm: Alarm::new().map_err(|e| format!("The system has no timer for session {}: {e}.", n + 1))?,
        });
    }
    Ok(workers)
}

/// Looks at each second: tells it, and ends the run where a bound is broken.
async fn watch(shared: Arc<Shared>, per_second: f64, bounds: Bounds, seconds: Option<UnboundedSender<Second>>) {
    let mut tick = tokio::time::interval(Duration::from_secs(1));
    tick.tick().await;
    let mut broken = 0;
    loop {
        tick.tick().await;
        let waiting = shared.starts().waiting(Instant::now());
        let second = shared.seen().second(per_second, waiting);
        let why = bounds.broken(&second, per_second);
        broken = if why.is_some() { broken + 1 } else { 0 };
        if let Some(seconds) = &seconds {
            // Whoever looked on may have gone.
            let _ = seconds.send(second);
        }
        if broken >= IN_A_ROW {
            shared.seen().why = why;
            shared.stop.cancel();
            return;
        }
    }
}

impl Bounds {
    /// Which one a second breaks.
    fn broken(&self, second: &Second, per_second: f64) -> Option<String> {
        if let Some((p99, limit)) = second.p99_ms.zip(self.p99_ms).filter(|(p99, limit)| p99 > limit) {
            return Some(format!("P99 was {p99:.1} ms for {IN_A_ROW} s, limit {limit} ms."));
        }
        let share = second.failed as f64 / second.ended.max(1) as f64;
        if let Some(limit) = self.failed.filter(|limit| share > *limit) {
            return Some(format!(
                "{:.1} % of the transactions failed for {IN_A_ROW} s, limit {:.1} %.",
                share * 100.0,
                limit * 100.0
            ));
        }
        let most = (per_second * self.backlog_s).max(1.0);
        (second.waiting as f64 > most)
            .then(|| format!("{} transactions waited for a session: the rate is more than is served.", second.waiting))
    }
}

/// Lets sessions work until all starts are over or the run is stopped, and what has begun come to its end; how many never began.
async fn to_the_end(shared: &Shared, time: Duration, working: &mut JoinSet<()>) -> u64 {
    let all = async { while working.join_next().await.is_some() {} };
    tokio::select! {
        () = all => {}
        () = shared.stop.cancelled() => {}
        () = tokio::time::sleep(time + LAST_WORDS) => {}
    }
    let left = shared.starts().close(Instant::now());
    let ended = async { while working.join_next().await.is_some() {} };
    if tokio::time::timeout(LAST_WORDS, ended).await.is_err() {
        working.abort_all();
        while working.join_next().await.is_some() {}
    }
    left as u64
}

#[cfg(test)]
mod tests;
