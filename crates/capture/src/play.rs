//! Plays a capture: each captured session is a session, its statements in their order, on one copy or on two.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use serde::Serialize;
use switchyard_load::Spread;
use tokio::{
    sync::{
        OwnedSemaphorePermit, Semaphore,
        mpsc::{Receiver, UnboundedReceiver, UnboundedSender, unbounded_channel},
        oneshot,
    },
    task::JoinSet,
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use crate::{
    asked::{AnswersCompared, Asking, hold},
    compare::{Compared, Difference, Outcome, Ran, with_captured, with_other},
    doubt::{Doubts, Went},
    figures::{Played, ShapeFigures, Tally, Times},
    fit::{Kind, Kinds},
    record::Captured,
};

/// Statements that wait in memory.
const WAITING: usize = 20_000;
/// Findings that are listed.
const LISTED: usize = 1_000;
/// How long one statement keeps all others waiting, where they are played one by one.
const PATIENCE: Duration = Duration::from_secs(2);
/// When nothing ends for so long at the end, what is left never will.
const STUCK: Duration = Duration::from_secs(60);

/// A copy to play on.
#[async_trait]
pub trait Stage: Send + Sync {
    /// A new session.
    ///
    /// # Errors
    /// A sentence when none can be had.
    async fn open(&self) -> Result<Box<dyn Player>, String>;
}

/// One session of a copy.
#[async_trait]
pub trait Player: Send {
    /// Runs one statement to its end. One that lost the session says "connection", and is not used again.
    async fn play(&mut self, text: &str, parameters: &[Option<String>]) -> Outcome;
}

/// When statements begin.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pace {
    /// As in the capture, this many times as fast.
    Timed(f64),
    /// Each session as fast as it can.
    Flat,
    /// One after the other over all sessions, in the order of the log. What waits for another session does not keep that one waiting.
    OneByOne,
}

/// How to play.
#[derive(Debug, Clone, Copy)]
pub struct How {
    /// When statements begin.
    pub pace: Pace,
    /// Sessions at once; others wait.
    pub sessions: usize,
}

/// A way to end it, and to look on.
#[derive(Debug, Clone, Default)]
pub struct Watched {
    /// Ends it in order when it is cancelled.
    pub stop: CancellationToken,
    /// Statements that ended so far.
    pub ended: Arc<AtomicU64>,
}

/// A statement that went otherwise.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Finding {
    /// Its place in the capture.
    pub n: u64,
    /// Its session there.
    pub session: String,
    /// Its shape's id.
    pub shape: String,
    /// Its text, as it was captured.
    pub text: String,
    /// Its values.
    pub parameters: Vec<Option<String>>,
    /// How.
    pub difference: Difference,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Replayed {
    /// Statements that were played.
    pub played: u64,
    /// Sessions that were opened.
    pub sessions: u64,
    /// Statements that were not played: their values were not logged, or they may not be.
    pub left_out: u64,
    /// Answers that were compared between the copies.
    pub compared: u64,
    /// Of these, equal but for times of the copies' own clocks.
    pub clock: u64,
    /// Statements that failed, or did not, unlike when they were captured.
    pub unlike_captured: u64,
    /// Statements that were still running when the next one in order began, where one by one was asked for.
    pub overtaken: u64,
    /// Sessions that had to wait for another one to end.
    pub waited: u64,
    /// Statements that never ended.
    pub stuck: u64,
    /// What differs, the first of it.
    pub findings: Vec<Finding>,
    /// All of it.
    pub found: u64,
    /// What the source answered, laid beside what the copy answers; None where the capture has no answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answers: Option<AnswersCompared>,
    /// By shape.
    pub shapes: Vec<ShapeFigures>,
    /// How late statements began, by the capture's clock.
    pub late: Option<Spread>,
    /// How long it took, s.
    pub seconds: f64,
    /// Whether it was stopped before its end.
    pub stopped: bool,
}

struct Job {
    one: Captured,
    kind: Arc<Kind>,
    due: Option<Instant>,
    _room: OwnedSemaphorePermit,
    done: oneshot::Sender<()>,
}

struct Shared {
    here: Arc<dyn Stage>,
    there: Option<Arc<dyn Stage>>,
    places: Semaphore,
    seen: Mutex<Seen>,
    /// Kept where answers of the source are compared.
    doubts: Option<Mutex<Doubts>>,
    watched: Watched,
    from_ms: i64,
    began: Instant,
}

#[derive(Default)]
struct Seen {
    played: u64,
    sessions: u64,
    left_out: u64,
    compared: u64,
    clock: u64,
    unlike_captured: u64,
    waited: u64,
    findings: Vec<Finding>,
    found: u64,
    tally: Tally,
    late: Times,
}

impl Shared {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn doubts(&self) -> Option<MutexGuard<'_, Doubts>> {
        Some(self.doubts.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn went(&self, one: &Captured, kind: &Kind, went: Went) {
        if let Some(mut doubts) = self.doubts() {
            doubts.after(one, kind, went);
        }
    }

    fn ran(&self) -> Ran {
        let ran_ms = i64::try_from(self.began.elapsed().as_millis()).unwrap_or_default();
        Ran { from_ms: self.from_ms, to_ms: self.from_ms + ran_ms }
    }
}

/// What is played on, and what is asked.
pub struct Copies {
    /// The copy.
    pub here: Arc<dyn Stage>,
    /// Another one, to compare with.
    pub there: Option<Arc<dyn Stage>>,
    /// What asks the source's questions on one of them; for statements that are played one by one alone.
    pub asking: Option<Asking>,
}

/// Plays everything that is fed, in its order; `counts` says how many statements each session has. `from_ms` is the wall clock now.
pub async fn play(
    copies: Copies,
    mut feed: Receiver<Captured>,
    mut counts: HashMap<String, u64>,
    how: How,
    from_ms: i64,
    watched: Watched,
) -> Replayed {
    let Copies { here, there, asking } = copies;
    let (mut asks, effects) = match asking {
        Some(Asking { copy, seed, effects }) => (Some((copy, seed)), Some(effects)),
        None => (None, None),
    };
    let shared = Arc::new(Shared {
        here,
        there,
        places: Semaphore::new(how.sessions),
        seen: Mutex::default(),
        doubts: effects.map(|e| Mutex::new(Doubts::new(e))),
        watched: watched.clone(),
        from_ms,
        began: Instant::now(),
    });
    let room = Arc::new(Semaphore::new(WAITING));
    let (mut kinds, mut open, mut tasks) = (Kinds::default(), HashMap::new(), JoinSet::new());
    let (mut first_us, mut overtaken, mut answers) = (None, 0, None::<AnswersCompared>);
    loop {
        let next = tokio::select! {
            next = feed.recv() => next,
            () = watched.stop.cancelled() => None,
        };
        let Some(one) = next else { break };
        if let Some(recorded) = &one.answer {
            let answers = answers.get_or_insert_default();
            match &mut asks {
                Some((copy, seed)) => {
                    let held = tokio::select! {
                        held = hold(copy.as_mut(), *seed, &one, recorded, shared.ran()) => held,
                        () = watched.stop.cancelled() => break,
                    };
                    let doubt = shared.doubts().and_then(|d| d.of(&recorded.tables, recorded.any_table));
                    answers.took(&one, held, doubt);
                }
                None => answers.left(),
            }
            continue;
        }
        let due = match how.pace {
            Pace::Timed(speed) => {
                let offset_us = one.at_us - *first_us.get_or_insert(one.at_us);
                let offset = Duration::try_from_secs_f64(offset_us.max(0) as f64 / 1e6 / speed).unwrap_or_default();
                Some(shared.began + offset)
            }
            Pace::Flat | Pace::OneByOne => None,
        };
        let sleep = async {
            if let Some(due) = due {
                tokio::time::sleep_until(due).await;
            }
            room.clone().acquire_owned().await
        };
        let Ok(room) = (tokio::select! {
            room = sleep => room,
            () = watched.stop.cancelled() => break,
        }) else {
            break;
        };
        let kind = kinds.of(&one.text);
        let session = one.session.clone();
        let patience = PATIENCE.max(Duration::from_micros(one.duration_us.unwrap_or_default()).saturating_mul(3));
        let (done, ended) = oneshot::channel();
        let late = shared.doubts.is_some().then(|| (one.clone(), kind.clone()));
        let job = Job { one, kind, due, _room: room, done };
        let to: &UnboundedSender<Job> = open.entry(session.clone()).or_insert_with(|| {
            let (to, jobs) = unbounded_channel();
            tasks.spawn(perform(shared.clone(), jobs));
            to
        });
        // Its session works until its last statement; one that is gone was broken off.
        let _ = to.send(job);
        let left = counts.entry(session.clone()).or_insert(u64::MAX);
        *left -= 1;
        if *left == 0 {
            open.remove(&session);
        }
        if how.pace == Pace::OneByOne && tokio::time::timeout(patience, ended).await.is_err() {
            overtaken += 1;
            if let Some((one, kind)) = &late {
                shared.went(one, kind, Went::Late);
            }
        }
        while tasks.try_join_next().is_some() {}
    }
    open.clear();
    let stuck = last_words(&shared, &mut tasks).await;
    Replayed { answers, ..shared.replayed(overtaken, stuck) }
}

/// Waits for whatever has begun; how many sessions never ended.
async fn last_words(shared: &Shared, tasks: &mut JoinSet<()>) -> u64 {
    let ended = || shared.watched.ended.load(Ordering::Relaxed);
    let (mut before, mut since) = (ended(), Instant::now());
    while !tasks.is_empty() {
        tokio::select! {
            _ = tasks.join_next() => {}
            () = tokio::time::sleep(Duration::from_millis(500)) => {}
        }
        if ended() != before {
            (before, since) = (ended(), Instant::now());
        }
        let patience = if shared.watched.stop.is_cancelled() { Duration::from_secs(5) } else { STUCK };
        if since.elapsed() > patience {
            let left = tasks.len() as u64;
            tasks.abort_all();
            while tasks.join_next().await.is_some() {}
            return left;
        }
    }
    0
}

/// One session, to its last statement.
async fn perform(shared: Arc<Shared>, mut jobs: UnboundedReceiver<Job>) {
    if shared.places.available_permits() == 0 {
        shared.seen().waited += 1;
    }
    let Ok(_place) = shared.places.acquire().await else { return };
    shared.seen().sessions += 1;
    let mut players: [Option<Box<dyn Player>>; 2] = [None, None];
    while let Some(job) = jobs.recv().await {
        if shared.watched.stop.is_cancelled() {
            continue;
        }
        match (job.kind.unfit, &job.one.parameters) {
            (Some(_), _) | (None, None) => {
                shared.went(&job.one, &job.kind, Went::LeftOut);
                shared.seen().left_out += 1;
            }
            (None, Some(parameters)) => {
                if let Some(due) = job.due {
                    shared.seen().late.record(due.elapsed().as_micros() as u64);
                }
                let [a, b] = &mut players;
                let here = on(shared.here.as_ref(), a, &job.one.text, parameters);
                let (here, there) = match &shared.there {
                    Some(there) => {
                        let there = on(there.as_ref(), b, &job.one.text, parameters);
                        let (here, there) = tokio::join!(here, there);
                        (here, Some(there))
                    }
                    None => (here.await, None),
                };
                shared.judge(&job, &here, there.as_ref());
            }
        }
        shared.watched.ended.fetch_add(1, Ordering::Relaxed);
        // Nobody waits for it where statements are not played one by one.
        let _ = job.done.send(());
    }
}

/// One statement on one copy, whose session is opened where there is none.
async fn on(stage: &dyn Stage, player: &mut Option<Box<dyn Player>>, text: &str, values: &[Option<String>]) -> Outcome {
    let mut open = match player.take() {
        Some(open) => open,
        None => match stage.open().await {
            Ok(open) => open,
            Err(sentence) => return Outcome { sqlstate: Some(LOST.to_owned()), sentence, ..Outcome::default() },
        },
    };
    let outcome = open.play(text, values).await;
    if outcome.sqlstate.as_deref() != Some(LOST) {
        *player = Some(open);
    }
    outcome
}

/// What a statement fails with whose session is gone.
pub const LOST: &str = "connection";

impl Shared {
    fn judge(&self, job: &Job, here: &Outcome, there: Option<&Outcome>) {
        let ran = self.ran();
        let captured = with_captured(job.one.sqlstate.as_deref(), here);
        let unlike_captured = captured != Compared::Equal;
        self.went(&job.one, &job.kind, if unlike_captured { Went::Unlike } else { Went::Alike });
        let compared = match there {
            Some(there) => with_other(here, there, job.kind.is_ordered, ran),
            None => captured,
        };
        let mut seen = self.seen();
        seen.played += 1;
        seen.compared += u64::from(there.is_some());
        seen.unlike_captured += u64::from(unlike_captured);
        let mut differed = false;
        match compared {
            Compared::Equal => {}
            Compared::Clock => seen.clock += 1,
            Compared::Different(difference) => {
                differed = true;
                seen.found += 1;
                if seen.findings.len() < LISTED {
                    seen.findings.push(finding(job, difference));
                }
            }
        }
        seen.tally.take(&Played {
            kind: &job.kind,
            captured_us: job.one.duration_us,
            here_us: here.us,
            there_us: there.map(|t| t.us),
            failed: here.sqlstate.is_some(),
            differed,
            unlike_captured,
        });
    }

    fn replayed(&self, overtaken: u64, stuck: u64) -> Replayed {
        let mut seen = self.seen();
        let mut findings = std::mem::take(&mut seen.findings);
        findings.sort_by_key(|f| f.n);
        Replayed {
            played: seen.played,
            sessions: seen.sessions,
            left_out: seen.left_out,
            compared: seen.compared,
            clock: seen.clock,
            unlike_captured: seen.unlike_captured,
            overtaken,
            waited: seen.waited,
            stuck,
            findings,
            found: seen.found,
            answers: None,
            shapes: seen.tally.figures(),
            late: seen.late.spread(),
            seconds: self.began.elapsed().as_secs_f64(),
            stopped: self.watched.stop.is_cancelled(),
        }
    }
}

fn finding(job: &Job, difference: Difference) -> Finding {
    Finding {
        n: job.one.n,
        session: job.one.session.clone(),
        shape: job.kind.shape.id.clone(),
        text: job.one.text.clone(),
        parameters: job.one.parameters.clone().unwrap_or_default(),
        difference,
    }
}

#[cfg(test)]
mod tests;
