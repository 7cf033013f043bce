//! Holds a rate for a time, on two threads of its own: what else the program does must not make anybody late. One sleeps until a
//! transaction is due and puts it up (the runtime's own timers are coarser than a start may be late), the other has the sessions.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use rand::{SeedableRng, rngs::StdRng};
use tokio::{
    sync::{Semaphore, mpsc::UnboundedSender, oneshot},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use crate::{
    Session, Sessions, Trouble,
    figures::{Counted, Figures, Times},
    pace::Schedule,
    script::{Act, Mix, Number, Variables},
};

/// How long what has begun may go on at the end.
const LAST_WORDS: Duration = Duration::from_secs(5);
/// After a login that failed.
const AFTER_FAILURE: Duration = Duration::from_millis(100);
/// How long whoever sleeps does not look whether it was stopped.
const NAP: Duration = Duration::from_millis(50);
/// Below so many in a second a percentile says nothing.
const ENOUGH: u64 = 50;
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

/// What sessions and dispatcher share.
struct Shared {
    due: Mutex<VecDeque<Due>>,
    there: Semaphore,
    seen: Mutex<Seen>,
    stop: CancellationToken,
}

impl Shared {
    fn due(&self) -> MutexGuard<'_, VecDeque<Due>> {
        self.due.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A transaction that should begin.
#[derive(Clone, Copy)]
struct Due {
    at: Instant,
    /// Whether a session was free for it.
    free: bool,
}

struct Seen {
    idle: usize,
    begun: u64,
    transactions: u64,
    statements: u64,
    failed: u64,
    errors: BTreeMap<String, Counted>,
    latency: Times,
    service: Times,
    late: Times,
    timing: Times,
    /// Of this second.
    lately: Times,
    why: Option<String>,
    last_end: Instant,
}

impl Seen {
    fn new(idle: usize) -> Result<Seen, String> {
        Ok(Seen {
            idle,
            begun: 0,
            transactions: 0,
            statements: 0,
            failed: 0,
            errors: BTreeMap::new(),
            latency: Times::new()?,
            service: Times::new()?,
            late: Times::new()?,
            timing: Times::new()?,
            lately: Times::new()?,
            why: None,
            last_end: Instant::now(),
        })
    }

    fn trouble(&mut self, trouble: Trouble) {
        let counted = self.errors.entry(trouble.class).or_insert(Counted { times: 0, newest: String::new() });
        counted.times += 1;
        counted.newest = trouble.sentence;
    }

    fn ended(&mut self, due: Due, began: Instant, answer: Result<u64, Trouble>) {
        let now = Instant::now();
        self.last_end = now;
        self.latency.record(now - due.at);
        self.lately.record(now - due.at);
        self.service.record(now - began);
        match answer {
            Ok(statements) => {
                self.transactions += 1;
                self.statements += statements;
            }
            Err(trouble) => {
                self.failed += 1;
                self.trouble(trouble);
            }
        }
    }
}

async fn held(
    sessions: Arc<dyn Sessions>,
    mix: Arc<Mix>,
    hold: Hold,
    bounds: Bounds,
    stopped: Stopped,
) -> Result<Figures, String> {
    let mut open = Vec::new();
    for n in 0..hold.sessions {
        let session = sessions.open().await;
        open.push(
            session.map_err(|t| format!("Session {} of {} cannot be opened. {}", n + 1, hold.sessions, t.sentence))?,
        );
    }
    let shared = Arc::new(Shared {
        due: Mutex::default(),
        there: Semaphore::new(0),
        seen: Mutex::new(Seen::new(hold.sessions)?),
        stop: stopped.stop.child_token(),
    });
    let mut workers = JoinSet::new();
    for (n, session) in open.into_iter().enumerate() {
        let mut variables = hold.variables.clone();
        variables.insert("client_id".to_owned(), Number::Whole(i64::try_from(n).unwrap_or(i64::MAX)));
        let seed = hold.seed.wrapping_add(n as u64 + 1);
        let worker = Worker {
            sessions: sessions.clone(),
            session: Some(session),
            mix: mix.clone(),
            variables,
            rng: StdRng::seed_from_u64(seed),
        };
        workers.spawn(worker.work(shared.clone()));
    }
    let began = Instant::now();
    let watch = tokio::spawn(watch(shared.clone(), hold.per_second, bounds, stopped.seconds));
    let (all_up, end) = oneshot::channel();
    let pace = {
        let (shared, hold) = (shared.clone(), hold.clone());
        std::thread::Builder::new().name("load pace".to_owned()).spawn(move || {
            dispatch(&shared, &hold, began);
            // Nobody waits any more where the receiver is gone.
            let _ = all_up.send(());
        })
    };
    pace.map_err(|e| format!("A thread for the load cannot be started: {e}."))?;
    // Its end without a word is its end as well.
    let _ = end.await;
    let left_waiting = drain(&shared, &mut workers).await;
    watch.abort();
    Ok(figures(&shared, &hold, began, left_waiting))
}

/// Puts up each transaction at its time.
fn dispatch(shared: &Shared, hold: &Hold, began: Instant) {
    let (mut schedule, mut rng) = (Schedule::at(hold.per_second), StdRng::seed_from_u64(hold.seed));
    loop {
        let offset = schedule.next(&mut rng);
        let at = began + offset.min(hold.time);
        loop {
            if shared.stop.is_cancelled() {
                return;
            }
            match at.checked_duration_since(Instant::now()) {
                Some(left) if !left.is_zero() => std::thread::sleep(left.min(NAP)),
                Some(_) | None => break,
            }
        }
        if offset >= hold.time {
            return;
        }
        let mut due = shared.due();
        let mut seen = shared.seen();
        seen.begun += 1;
        let free = seen.idle > due.len();
        due.push_back(Due { at, free });
        shared.there.add_permits(1);
    }
}

/// Looks at each second: tells it, and ends the run where a bound is broken.
async fn watch(shared: Arc<Shared>, per_second: f64, bounds: Bounds, seconds: Option<UnboundedSender<Second>>) {
    let mut tick = tokio::time::interval(Duration::from_secs(1));
    tick.tick().await;
    let (mut ended_before, mut failed_before, mut broken) = (0, 0, 0);
    loop {
        tick.tick().await;
        let waiting = shared.due().len();
        let mut seen = shared.seen();
        let ended = seen.transactions + seen.failed;
        let p99_ms = seen.lately.spread().filter(|_| seen.lately.count() >= ENOUGH).map(|s| s.p99_ms);
        let second = Second { ended: ended - ended_before, failed: seen.failed - failed_before, p99_ms, waiting };
        (ended_before, failed_before) = (ended, seen.failed);
        seen.lately.clear();
        let why = bounds.broken(&second, per_second);
        broken = if why.is_some() { broken + 1 } else { 0 };
        if let Some(seconds) = &seconds {
            // Whoever looked on may have gone.
            let _ = seconds.send(second);
        }
        if broken >= IN_A_ROW {
            seen.why = why;
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

/// Lets what has begun, and what waits, come to its end; how many never began.
async fn drain(shared: &Shared, workers: &mut JoinSet<()>) -> u64 {
    let began = Instant::now();
    while !shared.due().is_empty() && began.elapsed() < LAST_WORDS && !shared.stop.is_cancelled() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let left = std::mem::take(&mut *shared.due());
    shared.there.close();
    let ended = async { while workers.join_next().await.is_some() {} };
    if tokio::time::timeout(LAST_WORDS, ended).await.is_err() {
        workers.abort_all();
        while workers.join_next().await.is_some() {}
    }
    left.len() as u64
}

fn figures(shared: &Shared, hold: &Hold, began: Instant, left_waiting: u64) -> Figures {
    let seen = shared.seen();
    let seconds = seen.last_end.saturating_duration_since(began).as_secs_f64().max(f64::MIN_POSITIVE);
    let seconds = if shared.stop.is_cancelled() { seconds } else { seconds.max(hold.time.as_secs_f64()) };
    let asked = if shared.stop.is_cancelled() { seconds } else { hold.time.as_secs_f64() };
    Figures {
        asked_per_second: if seen.begun == 0 { hold.per_second } else { seen.begun as f64 / asked },
        reached_per_second: (seen.transactions + seen.failed) as f64 / seconds,
        seconds,
        transactions: seen.transactions,
        statements: seen.statements,
        failed: seen.failed,
        errors: seen.errors.clone(),
        latency: seen.latency.spread(),
        service: seen.service.spread(),
        late: seen.late.spread(),
        timing: seen.timing.spread(),
        left_waiting,
        stopped: seen.why.clone().or_else(|| shared.stop.is_cancelled().then(|| "It was stopped.".to_owned())),
    }
}

/// One session and what it draws.
struct Worker {
    sessions: Arc<dyn Sessions>,
    session: Option<Box<dyn Session>>,
    mix: Arc<Mix>,
    variables: Variables,
    rng: StdRng,
}

impl Worker {
    async fn work(mut self, shared: Arc<Shared>) {
        while let Ok(there) = shared.there.acquire().await {
            there.forget();
            let Some(due) = shared.due().pop_front() else { continue };
            let began = Instant::now();
            {
                let mut seen = shared.seen();
                seen.idle -= 1;
                seen.late.record(began - due.at);
                if due.free {
                    seen.timing.record(began - due.at);
                }
            }
            let answer = self.transaction().await;
            let failed_login = self.session.is_none();
            shared.seen().ended(due, began, answer);
            if failed_login {
                tokio::time::sleep(AFTER_FAILURE).await;
            }
            shared.seen().idle += 1;
        }
    }

    /// One script from its first step to its last, or to the first that fails.
    async fn transaction(&mut self) -> Result<u64, Trouble> {
        let mut session = match self.session.take() {
            Some(session) => session,
            None => self.sessions.open().await?,
        };
        let mix = self.mix.clone();
        let mut statements = 0;
        for step in &mix.draw(&mut self.rng).steps {
            let wrong = |sentence| Trouble { class: "script".to_owned(), sentence, broken: false };
            let answer = match step.act(&mut self.variables, &mut self.rng).map_err(wrong) {
                Ok(Act::Nothing) => Ok(()),
                Ok(Act::Wait(time)) => {
                    tokio::time::sleep(time).await;
                    Ok(())
                }
                Ok(Act::Ask(statement)) => session.run(&statement).await.inspect(|()| statements += 1),
                Ok(Act::Given(text, values)) => session.run_given(text, values).await.inspect(|()| statements += 1),
                Err(wrong) => Err(wrong),
            };
            if let Err(trouble) = answer {
                if !trouble.broken {
                    // A transaction that the script had opened must not go on into the next one.
                    if session.run("ROLLBACK").await.is_ok() {
                        self.session = Some(session);
                    }
                }
                return Err(trouble);
            }
        }
        self.session = Some(session);
        Ok(statements)
    }
}

#[cfg(test)]
mod tests;
