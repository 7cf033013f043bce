//! Replays a capture on a scratch copy, or on two that it compares.
//!
//! Owns whom a replay may hit: it writes what the application wrote, so no side of a migration. The playing itself is
//! `switchyard-capture`.

mod answers;
mod tables;
mod told;

use std::{path::PathBuf, sync::Arc};

use serde::Serialize;
use switchyard_capture::{
    compare::Ran,
    order::Order,
    play::{Copies, How, Pace, Replayed, Stage, Watched, play},
    survey::Survey,
};
use switchyard_engine::{
    clock::{Clock, SystemClock},
    db::connect::{Login, ScratchCopy, UnderLoad, UnderShadow},
};

use crate::{
    Switchyard,
    capture::{Ordered, blocking, survey},
    dto::{ApiError, ReplayPhase},
    verify::End,
};

use answers::{asking, remarks_of_answers};
pub use tables::{TableDiffers, TablesCompared};
pub(crate) use told::Told;

/// More sessions than this no single program should open.
const MOST_SESSIONS: usize = 1_000;

/// Asks for a replay.
#[derive(Debug)]
pub struct ReplayRequest {
    /// The scratch copy.
    pub at: End,
    /// A second one, as the first was made, to compare with.
    pub against: Option<End>,
    /// What is played.
    pub capture: PathBuf,
    /// When statements begin; None for one by one where answers are compared, and as in the capture otherwise.
    pub pace: Option<Pace>,
    /// Sessions at once, 1–1000.
    pub sessions: usize,
    /// Which tables of two copies are compared when it is over: patterns, none for all; None for no look at them.
    pub tables: Option<Vec<String>>,
    /// Whether they are compared before as well.
    pub first_look: bool,
}

/// What came of a replay.
#[derive(Debug, Serialize)]
pub struct ReplayView {
    /// What was played.
    pub capture: String,
    /// Where it was taken.
    pub source: String,
    /// The copy, without a password.
    pub at: String,
    /// The other one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub against: Option<String>,
    /// What was played and found.
    #[serde(flatten)]
    pub replayed: Replayed,
    /// Statements that were left out, by why.
    pub left_out_why: std::collections::BTreeMap<String, u64>,
    /// Tables of both copies, when it was over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tables: Option<TablesCompared>,
    /// Why they were not compared, although that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tables_unknown: Option<String>,
    /// What is to be known.
    pub notes: Vec<String>,
}

/// How a replay came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplayVerdict {
    /// Nothing differs.
    Equal,
    /// Something differs.
    Different,
    /// Not all of it could be looked at.
    Unknown,
}

impl ReplayView {
    /// How it came out.
    pub fn verdict(&self) -> ReplayVerdict {
        let played = &self.replayed;
        let tables = self.tables.as_ref();
        let answers = played.answers.as_ref();
        if played.found > 0 || answers.is_some_and(|a| a.different > 0) || tables.is_some_and(|t| t.findings > 0) {
            ReplayVerdict::Different
        } else if played.stopped
            || played.stuck > 0
            || played.played == 0
            || self.tables_unknown.is_some()
            || tables.is_some_and(|t| t.unproven > 0)
            || self.against.is_none() && answers.is_some_and(|a| a.asked > 0 && !a.is_anything_known())
        {
            ReplayVerdict::Unknown
        } else {
            ReplayVerdict::Equal
        }
    }
}

impl Switchyard {
    /// Plays a capture to its end, or until it is stopped.
    ///
    /// # Errors
    /// `refused` where a database is a side of a migration; when one cannot be reached, or the capture cannot be read.
    pub async fn replay(&self, request: ReplayRequest, watched: Watched) -> Result<ReplayView, ApiError> {
        self.replay_told(request, watched, Arc::default()).await
    }

    /// The same for somebody who looks on.
    pub(crate) async fn replay_told(
        &self,
        request: ReplayRequest,
        watched: Watched,
        told: Arc<Told>,
    ) -> Result<ReplayView, ApiError> {
        check(&request)?;
        let file = request.capture.clone();
        let (survey, head, mut notes) = blocking(move || survey(&file)).await?;
        let usual = if request.against.is_some() || survey.answers > 0 { Pace::OneByOne } else { Pace::Timed(1.0) };
        let pace = request.pace.unwrap_or(usual);
        fits(&survey, pace, request.sessions)?;
        told.read(survey.statements);
        let Scratch { stage: here, at, reads: reads_here } = self.scratch("The scratch copy", &request.at).await?;
        let mut reads = vec![(at.clone(), reads_here)];
        let (there, against) = match &request.against {
            Some(other) => {
                let Scratch { stage: there, at: against, reads: reads_there } =
                    self.scratch("The second copy", other).await?;
                reads.push((against.clone(), reads_there));
                if against == at {
                    let why = format!("{at} is given twice: a database cannot be compared with itself.");
                    return Err(ApiError::new("invalid", why, "Make a second copy, and give it with --against."));
                }
                (Some(there), Some(against))
            }
            None => (None, None),
        };
        let compared = request.against.as_ref().zip(request.tables.as_ref()).filter(|_| survey.writes);
        if let (Some((other, tables)), true) = (compared, request.first_look) {
            told.goes_to(ReplayPhase::Before);
            self.equal_at_first(&request.at, other, tables).await?;
        }
        let asking = match head.answers.filter(|_| survey.answers > 0 && pace == Pace::OneByOne) {
            Some(answers) => asking(reads, answers, &mut notes).await?,
            None => None,
        };
        let from_ms = SystemClock.now();
        let order = if pace == Pace::OneByOne { Order::Logged } else { Order::Started };
        let (tell, feed) = tokio::sync::mpsc::channel(1_000);
        let file = request.capture.clone();
        let feeds = told.clone();
        let fed = tokio::task::spawn_blocking(move || -> Result<(), ApiError> {
            for one in Ordered::open(&file, order)? {
                let one = one?;
                feeds.comes(one.at_us);
                // It was stopped where nobody takes them any more.
                if tell.blocking_send(one).is_err() {
                    break;
                }
            }
            Ok(())
        });
        told.goes_to(ReplayPhase::Playing);
        let how = How { pace, sessions: request.sessions };
        let (here, there) = (told.counts(here, 0), there.map(|there| told.counts(there, 1)));
        let copies = Copies { here, there, asking };
        let replayed = play(copies, feed, survey.sessions, how, from_ms, watched).await;
        let fed = fed.await.map_err(|e| ApiError::new("failed", format!("Reading broke off: {e}."), "Try again."))?;
        if let Err(e) = fed {
            notes.push(format!("The capture was not played to its end. {}", e.message));
        }
        let (mut tables, mut tables_unknown) = (None, None);
        if let Some((other, patterns)) = compared.filter(|_| !replayed.stopped) {
            told.goes_to(ReplayPhase::After);
            let ran = Ran { from_ms, to_ms: SystemClock.now() };
            match self.tables_after(&request.at, other, patterns, ran).await {
                Ok(compared) => tables = Some(compared),
                Err(e) => tables_unknown = Some(e.message),
            }
        }
        notes.extend(remarks(&replayed, &request, pace));
        Ok(ReplayView {
            capture: request.capture.display().to_string(),
            source: head.source,
            at,
            against,
            replayed,
            left_out_why: survey.unfit,
            tables,
            tables_unknown,
            notes,
        })
    }

    /// A copy that may be written to; with its address.
    async fn scratch(&self, what: &str, end: &End) -> Result<Scratch, ApiError> {
        let (endpoint, secret) = self.resolve(what, end).await?;
        let reached = UnderLoad::at(Login { endpoint: &endpoint, password: secret.as_ref() }, false)?;
        if self.may_be_loaded(&endpoint, &reached, "a replay").await? {
            let why = format!(
                "{what} is a side of a migration: a replay writes what the application wrote, which would be lost or collide \
                 with the stream."
            );
            return Err(ApiError::new("refused", why, "Replay on a copy: a database of its own."));
        }
        let at = format!("{}:{}, {}", endpoint.host, endpoint.port, endpoint.database);
        let reads = UnderShadow::at(Login { endpoint: &endpoint, password: secret.as_ref() })?;
        Ok(Scratch { stage: Arc::new(ScratchCopy(reached)), at, reads })
    }
}

/// A copy.
struct Scratch {
    stage: Arc<dyn Stage>,
    at: String,
    /// For questions, in sessions of their own.
    reads: UnderShadow,
}

fn check(request: &ReplayRequest) -> Result<(), ApiError> {
    let mut problems = Vec::new();
    if let Some(Pace::Timed(speed)) = request.pace
        && !(speed.is_finite() && speed > 0.0 && speed <= 10_000.0)
    {
        problems.push(format!("A speed of {speed} is none: give one above 0 and up to 10000, or max."));
    }
    if !(1..=MOST_SESSIONS).contains(&request.sessions) {
        problems.push(format!("{} sessions cannot be opened: give 1 to {MOST_SESSIONS}.", request.sessions));
    }
    if problems.is_empty() { Ok(()) } else { Err(ApiError::problems(&problems)) }
}

/// Whether the capture can be played as asked for.
fn fits(survey: &Survey, pace: Pace, sessions: usize) -> Result<(), ApiError> {
    if survey.statements == 0 {
        return Err(ApiError::new("invalid", "The capture has no statements.", "Take another one."));
    }
    if pace == Pace::OneByOne && survey.most_at_once > sessions {
        let why = format!(
            "{} sessions were there at once in the capture, and one that waits for another to end breaks the order.",
            survey.most_at_once
        );
        return Err(ApiError::new("invalid", why, format!("Give --sessions {}.", survey.most_at_once)));
    }
    Ok(())
}

/// What is to be known of the figures, in sentences.
fn remarks(replayed: &Replayed, request: &ReplayRequest, pace: Pace) -> Vec<String> {
    let mut out = Vec::new();
    if request.against.is_some() && pace != Pace::OneByOne {
        out.push(
            "Sessions ran beside one another: what depends on their order may differ for that reason alone. Without --speed they are \
             played one by one."
                .to_owned(),
        );
    }
    if replayed.played > 20 && replayed.unlike_captured * 5 > replayed.played {
        out.push(format!(
            "{} of {} statements failed, or did not, unlike when they were captured: the copy's rows are of another time than the \
             capture's begin, or its role may not do what the application may.",
            replayed.unlike_captured, replayed.played
        ));
    }
    if replayed.overtaken > 0 {
        out.push(format!(
            "{} statements had not ended when the next one began: they wait for another session, or are slower here.",
            replayed.overtaken
        ));
    }
    if replayed.waited > 0 {
        out.push(format!("{} sessions waited for another one to end: give more --sessions.", replayed.waited));
    }
    if replayed.stuck > 0 {
        out.push(format!("{} sessions never ended, and were broken off.", replayed.stuck));
    }
    if let Some(answers) = &replayed.answers {
        out.extend(remarks_of_answers(answers, pace));
    } else if request.against.is_none() {
        out.push(
            "A log has no answers: only failures are compared with it. Give a second copy with --against.".to_owned(),
        );
    }
    out
}
