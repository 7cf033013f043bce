//! Answers of the source: reads among what was just taken are asked again at once, by us, and kept with their place in the log.
//!
//! One session asks, one question at a time, so that the source has never more than that of it. An answer is kept only with the proof
//! of its place ([`switchyard_engine::db::connect::Asker`]); one that cannot be had after some tries is counted.

mod chosen;

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use switchyard_capture::{
    Captured,
    compare::Ran,
    digest::Seed,
    record::Answers as InHead,
    recorded::{Recorded, Taking},
    take::{Seen, Taker, Wanted},
};
use switchyard_engine::{
    clock::{Clock, SystemClock},
    db::connect::{Asker, Depends, UnderShadow},
};
use switchyard_queries::{
    log::Entry,
    shape::{Does, Shape},
};
use switchyard_shadow::{Failure, Question, Sample, Skip, is_plain};
use tokio::{
    sync::mpsc::{Receiver, Sender, UnboundedReceiver, UnboundedSender, channel, unbounded_channel},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

use crate::dto::ApiError;
use chosen::Chosen;

/// More questions per second no capture asks.
const MOST_RATE: u32 = 1_000;
/// How often the proof of a place is tried.
const TRIES: u32 = 6;
/// How long after one that failed.
const PAUSE: Duration = Duration::from_millis(3);
/// How long after a session was lost.
const LOST: Duration = Duration::from_secs(2);
/// Roles and statements for which it is remembered what an answer depends on.
const MOST_KNOWN: usize = 5_000;

/// What is counted on the way.
#[derive(Debug, Default)]
struct Counts {
    answered: u64,
    unproven: u64,
    skipped: BTreeMap<Skip, u64>,
    failed: u64,
    /// The first reason of these.
    why: Option<String>,
}

/// An answer whose place is not known yet.
struct Answer {
    mark: u64,
    one: Captured,
}

/// Those of one capture.
pub(super) struct Answers {
    name: String,
    head: InHead,
    chosen: Chosen,
    asks: Option<Sender<Captured>>,
    answers: UnboundedReceiver<Answer>,
    /// Places by their marks.
    places: HashMap<u64, u64>,
    waiting: HashMap<u64, Captured>,
    kept: u64,
    counts: Arc<Mutex<Counts>>,
    stop: CancellationToken,
    task: Option<JoinHandle<()>>,
    source: Arc<UnderShadow>,
    database: Option<String>,
    user: Option<String>,
    /// Tables to which something wrote that is not in the capture.
    foreign: HashSet<String>,
    known_foreign: HashSet<String>,
    others_wrote: u64,
    /// Statements had no durations.
    no_place: u64,
    /// Their lines never came.
    unplaced: u64,
}

impl Answers {
    /// Begins to ask, `rate` times a second at most.
    ///
    /// # Errors
    /// When the rate is none, the source cannot be reached, or it follows another server, whose writes its own log does not have.
    pub(super) async fn begin(source: UnderShadow, rate: u32, wanted: &Wanted) -> Result<Answers, ApiError> {
        if !(1..=MOST_RATE).contains(&rate) {
            let why = format!("{rate} answers a second cannot be taken.");
            return Err(ApiError::new("invalid", why, format!("Give --answers-rate 1 to {MOST_RATE}.")));
        }
        let unreached = |f: Failure| ApiError::new("failed", f.sentence, "See that it answers.");
        let (major, follows) = source.server().await.map_err(unreached)?;
        if follows {
            let why = "The server follows another one: what is written there is not in its log, so answers would have no place.";
            return Err(ApiError::new(
                "invalid",
                why,
                "Leave --answers out, or capture the server that is written to.",
            ));
        }
        let asker = source.asker().await.map_err(unreached)?;
        let source = Arc::new(source);
        let name = format!("{:x}x{:x}", SystemClock.now(), std::process::id());
        let (seed, counts, stop) = (Seed::drawn(), Arc::new(Mutex::new(Counts::default())), CancellationToken::new());
        let (asks, questions) = channel(usize::try_from(rate).unwrap_or(1).max(8));
        let (tell, answers) = unbounded_channel();
        let asking = Asking {
            source: source.clone(),
            asker: Some(asker),
            name: name.clone(),
            seed,
            from_ms: SystemClock.now(),
            marks: 0,
            known: HashMap::new(),
            counts: counts.clone(),
            tell,
            stop: stop.clone(),
        };
        Ok(Answers {
            name,
            head: InHead { seed, major },
            chosen: Chosen::at(rate),
            asks: Some(asks),
            answers,
            places: HashMap::new(),
            waiting: HashMap::new(),
            kept: 0,
            counts,
            stop,
            task: Some(tokio::spawn(asking.all(questions))),
            source,
            database: wanted.database.clone(),
            user: wanted.user.clone(),
            foreign: HashSet::new(),
            known_foreign: HashSet::new(),
            others_wrote: 0,
            no_place: 0,
            unplaced: 0,
        })
    }

    /// The capture begins now: what transactions have written that are open is not in it.
    ///
    /// # Errors
    /// When the server does not answer.
    pub(super) async fn begins_here(&mut self) -> Result<(), ApiError> {
        let unreached = |f: Failure| ApiError::new("failed", f.sentence, "See that it answers.");
        let mut looks = self.source.asker().await.map_err(unreached)?;
        self.foreign.extend(looks.written_now().await.map_err(unreached)?);
        Ok(())
    }

    /// What the capture's head says of them.
    pub(super) fn head(&self) -> InHead {
        self.head
    }

    /// A statement was taken: it may be asked again.
    pub(super) fn statement(&mut self, one: &Captured) {
        self.chosen.saw(one);
    }

    /// An entry of the log: it may be the place of an answer, or a write that the capture does not have.
    pub(super) fn entry(&mut self, entry: &Entry<'_>, taker: &mut Taker) {
        let mark = entry.message.strip_prefix("switchyard asks ");
        let mark = mark.and_then(|m| m.strip_prefix(self.name.as_str())?.strip_prefix('-'));
        if let Some(mark) = mark.and_then(|m| m.trim_end().parse().ok()) {
            self.places.insert(mark, taker.place());
        } else if self.user.as_deref().is_some_and(|user| user != entry.user && !entry.user.is_empty()) {
            self.by_others(entry);
        }
    }

    /// Another role's statement: what it writes is not played, so nobody can be asked for these tables any more.
    fn by_others(&mut self, entry: &Entry<'_>) {
        let is_here = self.database.as_deref().is_none_or(|d| entry.database.is_empty() || entry.database == d);
        let Some(text) = entry.statement().filter(|_| is_here && !entry.application.starts_with("switchyard")) else {
            return;
        };
        let id = Shape::id_of(text);
        if self.known_foreign.contains(&id) {
            return;
        }
        let shape = Shape::of(text);
        if shape.does == Does::Write {
            self.foreign.extend(shape.tables.iter().map(|t| t.rsplit('.').next().unwrap_or(t).to_owned()));
        }
        if self.known_foreign.len() < MOST_KNOWN {
            self.known_foreign.insert(id);
        }
    }

    /// What was read of the log is over for now: asks some of it, and hands out the answers whose places are known by now.
    pub(super) fn come(&mut self, seen: Seen) -> Vec<Captured> {
        for one in self.chosen.of_round() {
            let sent = self.asks.as_ref().is_some_and(|asks| asks.try_send(one).is_ok());
            self.chosen.sent(sent);
        }
        while let Ok(Answer { mark, one }) = self.answers.try_recv() {
            self.waiting.insert(mark, one);
        }
        let placed: Vec<u64> = self.waiting.keys().filter(|mark| self.places.contains_key(mark)).copied().collect();
        let mut out = Vec::with_capacity(placed.len());
        for mark in placed {
            let (Some(mut one), Some(n)) = (self.waiting.remove(&mark), self.places.remove(&mark)) else { continue };
            one.n = n;
            let depends = |r: &Recorded| r.any_table || r.tables.iter().any(|t| self.foreign.contains(t));
            if !self.foreign.is_empty() && one.answer.as_deref().is_some_and(depends) {
                self.others_wrote += 1;
            } else if seen.no_duration > 0 {
                self.no_place += 1;
            } else {
                self.kept += 1;
                out.push(one);
            }
        }
        // Where the server does not write our lines none ever has its place.
        if self.waiting.len() > MOST_KNOWN {
            self.unplaced += self.waiting.drain().count() as u64;
        }
        // Marks of proofs that failed have nobody who waits for them.
        let oldest = self.waiting.keys().min().copied();
        if self.places.len() > MOST_KNOWN {
            self.places.retain(|mark, _| oldest.is_some_and(|oldest| *mark >= oldest));
        }
        out
    }

    /// Asks no more, and waits for what was asked.
    pub(super) async fn stop(&mut self) {
        self.stop.cancel();
        self.asks = None;
        if let Some(task) = self.task.take() {
            // One that broke off has said what it had to say.
            let _ = task.await;
        }
    }

    /// Whether every answer has its place.
    pub(super) fn has_all(&self) -> bool {
        self.waiting.is_empty() && self.answers.is_empty()
    }

    /// What is to be known of them, in sentences.
    pub(super) fn notes(&self) -> Vec<String> {
        let counts = lock(&self.counts);
        let chosen = &self.chosen;
        let mut out = vec![format!("{} answers of the source, of {} statements.", self.kept, chosen.shapes_asked())];
        let mut say = |count: u64, what: &str| {
            if count > 0 {
                out.push(format!("{count} {what}"));
            }
        };
        say(chosen.beyond_rate(), "reads came faster than they are asked again, or beside one another.");
        say(
            counts.unproven,
            "answers have no certain place among the writes: their tables were written to each time that they were asked for.",
        );
        say(
            self.others_wrote,
            "answers are not kept: roles that are not captured wrote to their tables, or transactions that were open when the capture began.",
        );
        say(chosen.slow(), "reads took more than 2 s and were not asked again: that would be a load.");
        say(
            self.no_place,
            "answers are not kept, since statements are logged without their durations: set log_min_duration_statement to 0.",
        );
        let unplaced = self.unplaced + self.waiting.len() as u64;
        say(
            unplaced,
            "answers are not kept: their places were not found in the log; log_min_messages has to be error or below.",
        );
        let why = counts.why.as_deref().unwrap_or_default();
        say(counts.failed, &format!("questions failed or could not be asked. The first: {why}"));
        for (skip, count) in chosen.skipped().iter().chain(&counts.skipped) {
            out.push(format!("{count} reads were not asked again. {}", skip.sentence()));
        }
        out
    }
}

/// What asks.
struct Asking {
    source: Arc<UnderShadow>,
    asker: Option<Asker>,
    name: String,
    seed: Seed,
    from_ms: i64,
    marks: u64,
    known: HashMap<(String, String), Result<Depends, Skip>>,
    counts: Arc<Mutex<Counts>>,
    tell: UnboundedSender<Answer>,
    stop: CancellationToken,
}

impl Asking {
    async fn all(mut self, mut questions: Receiver<Captured>) {
        while let Some(one) = questions.recv().await {
            if self.stop.is_cancelled() {
                continue;
            }
            if let Err(failure) = self.one(one).await {
                {
                    let mut counts = lock(&self.counts);
                    counts.failed += 1;
                    counts.why.get_or_insert(failure.sentence);
                }
                if failure.broken {
                    self.asker = None;
                    let _stopped = tokio::time::timeout(LOST, self.stop.cancelled()).await;
                }
            }
        }
    }

    async fn one(&mut self, mut one: Captured) -> Result<(), Failure> {
        let sample =
            Sample { text: one.text.clone(), parameters: one.parameters.clone(), user: one.user.clone(), cut: false };
        let asked = match Question::of(&sample) {
            Ok(asked) => asked,
            Err(skip) => {
                self.skips(skip);
                return Ok(());
            }
        };
        let mut asker = match self.asker.take() {
            Some(asker) => asker,
            None => self.source.asker().await?,
        };
        let done = self.with(&mut asker, &sample, &asked).await;
        self.asker = Some(asker);
        let Some((mark, at_us, recorded)) = done? else { return Ok(()) };
        lock(&self.counts).answered += 1;
        (one.session, one.application) = ("switchyard".to_owned(), "switchyard capture".to_owned());
        (one.at_us, one.duration_us, one.answer) = (at_us, None, Some(Box::new(recorded)));
        // Nobody waits for it any more where it does not arrive.
        let _ = self.tell.send(Answer { mark, one });
        Ok(())
    }

    async fn with(
        &mut self,
        asker: &mut Asker,
        sample: &Sample,
        asked: &Question,
    ) -> Result<Option<(u64, i64, Recorded)>, Failure> {
        let key = (Shape::id_of(&sample.text), sample.user.clone());
        let depends = match self.known.get(&key) {
            Some(known) => known.clone(),
            None => {
                let found = asker.depends(&sample.user, asked).await?;
                if self.known.len() < MOST_KNOWN {
                    self.known.insert(key, found.clone());
                }
                found
            }
        };
        let on = match depends {
            Ok(on) => on,
            Err(skip) => {
                self.skips(skip);
                return Ok(None);
            }
        };
        let settings = asker.settings(&sample.user).await?;
        for _ in 0..TRIES {
            self.marks += 1;
            let mark = self.marks;
            let proof = asker.prove(&sample.user, &on, &format!("{}-{mark}", self.name)).await?;
            if !proof.holds || !proof.running.iter().all(|text| is_plain(text)) {
                asker.leave().await?;
                tokio::time::sleep(PAUSE).await;
                continue;
            }
            let clock = (self.from_ms, proof.at_us / 1000);
            let ran = Ran { from_ms: clock.0, to_ms: clock.1 };
            let taking = Taking::new(self.seed, &asked.keys, vec![vec![ran]]);
            let mut answered = asker.answer(sample, taking).await?;
            answered.masked.retain(|masked| *masked != answered.sums);
            let Depends { tables, any_table, .. } = on;
            return Ok(Some((mark, proof.at_us, Recorded { answered, tables, any_table, settings, clock })));
        }
        lock(&self.counts).unproven += 1;
        Ok(None)
    }

    fn skips(&self, skip: Skip) {
        *lock(&self.counts).skipped.entry(skip).or_default() += 1;
    }
}

fn lock(counts: &Mutex<Counts>) -> MutexGuard<'_, Counts> {
    counts.lock().unwrap_or_else(PoisonError::into_inner)
}
