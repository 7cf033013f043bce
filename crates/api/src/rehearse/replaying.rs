//! Replays as jobs of this process.

use std::sync::{Arc, atomic::Ordering};

use switchyard_capture::play::{Pace, Watched};

use super::{
    full_path,
    jobs::{Job, Works},
    named_endpoint,
    replayed::result,
};
use crate::{
    Switchyard,
    dto::*,
    replay::{ReplayRequest, Told},
    verify::End,
};

/// Sessions at once; others wait.
const SESSIONS: usize = 100;

/// A replay of this process.
pub(super) struct Replaying {
    asked: ReplayStart,
    watched: Watched,
    told: Arc<Told>,
    job: Job<ReplayResult>,
}

impl Works for Replaying {
    type Came = ReplayResult;
    fn job(&self) -> &Job<ReplayResult> {
        &self.job
    }
}

impl Replaying {
    fn view(&self) -> ReplayJob {
        let ended = self.job.ended();
        let came = ended.as_ref().map(|e| &e.came);
        let played = self.watched.ended.load(Ordering::Relaxed);
        let speed = match self.asked.speed {
            ReplaySpeed::Times { times } if ended.is_none() => Some(times),
            ReplaySpeed::Times { .. } | ReplaySpeed::OneByOne | ReplaySpeed::Max => None,
        };
        let copies = if self.asked.against.is_some() { 2 } else { 1 };
        ReplayJob {
            asked: self.asked.clone(),
            begun: self.job.begun,
            ended: ended.as_ref().map(|e| e.at),
            ending: self.job.is_ending(),
            phase: self.told.phase(),
            played,
            all: self.told.all(),
            failed: self.told.failed(copies),
            behind_ms: speed.and_then(|speed| self.told.behind_ms(played, speed)),
            result: came.and_then(|c| c.as_ref().ok().cloned()),
            fault: came.and_then(|c| c.as_ref().err().cloned()),
        }
    }
}

impl Switchyard {
    /// Begins to play a capture.
    pub(crate) async fn replay_start(&self, args: ReplayStart) -> Result<ReplayJobView, ApiError> {
        let (id, _) = self.named(&args.migration).await?;
        let capture = full_path(&args.file)?;
        named_endpoint("The copy", &args.at)?;
        let mut copies = vec![self.stored_endpoint("The copy", &args.at).await?];
        if let Some(other) = &args.against {
            named_endpoint("The second copy", other)?;
            copies.push(self.stored_endpoint("The second copy", other).await?);
        }
        let pace = match args.speed {
            ReplaySpeed::OneByOne => Pace::OneByOne,
            ReplaySpeed::Times { times } => Pace::Timed(times),
            ReplaySpeed::Max => Pace::Flat,
        };
        let end = |name: &String| End { reference: name.clone(), password: None };
        let request = ReplayRequest {
            at: end(&args.at),
            against: args.against.as_ref().map(end),
            capture,
            pace: Some(pace),
            sessions: SESSIONS,
            tables: Some(Vec::new()),
            first_look: args.first_look,
        };
        let claim = self.rehearsals.busy.claim(copies, "replay").await?;
        let (own, clock) = (self.own()?, self.parts.clock.clone());
        let (watched, told) = (Watched::default(), Arc::new(Told::default()));
        let (looks, tells) = (watched.clone(), told.clone());
        let work = async move { own.replay_told(request, looks, tells).await.map(result) };
        let stop = watched.stop.clone();
        let begin = || Replaying { asked: args, watched, told, job: Job::begin(clock, stop, claim, work) };
        let begun = self.rehearsals.replays.begin(id, &self.rehearsals.closing, "replay", begin)?;
        Ok(ReplayJobView { job: Some(begun.view()) })
    }

    /// The newest replay of this process on a migration's page.
    pub(crate) async fn replay_job(&self, args: ByName) -> Result<ReplayJobView, ApiError> {
        let (id, _) = self.named(&args.name).await?;
        Ok(ReplayJobView { job: self.rehearsals.replays.of(id).map(|r| r.view()) })
    }

    /// Ends a replay in order.
    pub(crate) async fn replay_stop(&self, args: ByName) -> Result<Nothing, ApiError> {
        let (id, _) = self.named(&args.name).await?;
        if let Some(one) = self.rehearsals.replays.of(id) {
            one.job.stop.cancel();
        }
        Ok(Nothing {})
    }
}
