//! Shadow reads for hosts: reads of the source's traffic, run on both sides.
//!
//! Owns runs of this process and what is kept of them: counts alone. Values and texts stay in memory.

mod captured;
mod kept;
mod traffic;

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use switchyard_engine::{
    clock::SharedClock,
    db::connect::{Login, UnderShadow},
    reconcile::{Settle, Stream as _},
    store::MigrationId,
};
use switchyard_model::{Side, UnixMs, endpoint::Endpoint};
use switchyard_shadow::{Chosen, Passing, Shadow, Tally};
pub use switchyard_shadow::{Class, Finding, Report};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

pub(crate) use kept::{KEPT, check};

use crate::{Switchyard, dto::*, verify::End};
use traffic::Traffic;

/// More comparisons per second no process is asked for.
const MOST_RATE: u32 = 10_000;
/// A run is at most so long, s.
const LONGEST: u32 = 7 * 24 * 3600;
/// Sessions per side that compare.
const LANES: usize = 4;
/// Statements that wait for their turn.
const WAITING: usize = 256;
/// How long a change may take where no stream is found.
const FIXED: Duration = Duration::from_secs(2);

/// A run of this process.
pub(crate) struct Run {
    tally: Arc<Tally>,
    stop: CancellationToken,
    begun: UnixMs,
    notes: Arc<Mutex<Vec<String>>>,
    ended: watch::Receiver<Option<UnixMs>>,
}

impl Run {
    fn view(&self) -> ShadowRunView {
        let report = self.tally.report();
        let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner).clone();
        notes.extend(report.troubles.iter().cloned());
        ShadowRunView { begun: self.begun, ended: *self.ended.borrow(), report, notes }
    }
}

/// The stream between both sides.
struct Between(Settle);

#[async_trait]
impl Passing for Between {
    async fn pass(&self) -> Result<(), String> {
        self.0.pass().await.map_err(|e| e.sentence())
    }
}

impl Switchyard {
    /// Begins shadow reads.
    pub(crate) async fn shadow_start(&self, args: ShadowRequest) -> Result<ShadowView, ApiError> {
        check_request(&args)?;
        let (id, book) = self.named(&args.migration).await?;
        let state = book.state().await;
        if state.authority == Side::Target {
            let why = "The target has the writes: what the source is asked now is not the application's traffic.";
            return Err(ApiError::new("refused", why, "Shadow reads are for the time before the switch."));
        }
        if self.shadow_run(id).is_some_and(|run| run.ended.borrow().is_none()) {
            let why = "Shadow reads of this migration run already.";
            return Err(ApiError::new("refused", why, "Stop them first."));
        }
        let source = self.under_shadow(Side::Source, &state.spec.source).await?;
        let target = self.under_shadow(Side::Target, &state.spec.target).await?;
        let run = self.begin(id, args.clone(), source, target).await?;
        self.shadows.lock().unwrap_or_else(PoisonError::into_inner).insert(id, Arc::new(run));
        self.shadow(ByName { name: args.migration }).await
    }

    /// The newest run of this process, and what is kept of the newest that ended.
    pub(crate) async fn shadow(&self, args: ByName) -> Result<ShadowView, ApiError> {
        let (id, book) = self.named(&args.name).await?;
        let state = book.state().await;
        let last: Option<(UnixMs, ShadowSummary)> = self.parts.store.snapshot(id, KEPT).await?;
        Ok(ShadowView {
            source: state.spec.source.clone(),
            target: state.spec.target.clone(),
            run: self.shadow_run(id).map(|run| run.view()),
            last: last.map(|(_, summary)| summary),
        })
    }

    /// Ends shadow reads; what differs is looked at to its end.
    pub(crate) async fn shadow_stop(&self, args: ByName) -> Result<Nothing, ApiError> {
        let (id, _) = self.named(&args.name).await?;
        if let Some(run) = self.shadow_run(id) {
            run.stop.cancel();
        }
        Ok(Nothing {})
    }

    /// Waits until the run of this process has ended.
    ///
    /// # Errors
    /// `not_found`.
    pub async fn shadow_ended(&self, migration: &str) -> Result<(), ApiError> {
        let (id, _) = self.named(migration).await?;
        if let Some(run) = self.shadow_run(id) {
            // It has ended where nobody is left to say so.
            let _ = run.ended.clone().wait_for(Option::is_some).await;
        }
        Ok(())
    }

    fn shadow_run(&self, id: MigrationId) -> Option<Arc<Run>> {
        self.shadows.lock().unwrap_or_else(PoisonError::into_inner).get(&id).cloned()
    }

    async fn under_shadow(&self, side: Side, name: &str) -> Result<(Arc<UnderShadow>, Endpoint), ApiError> {
        let end = End { reference: name.to_owned(), password: None };
        let (endpoint, secret) = self.resolve(&format!("The {side}"), &end).await?;
        let login = Login { endpoint: &endpoint, password: secret.as_ref() };
        Ok((Arc::new(UnderShadow::at(login)?), endpoint))
    }

    async fn begin(
        &self,
        id: MigrationId,
        args: ShadowRequest,
        (source, at): (Arc<UnderShadow>, Endpoint),
        (target, _): (Arc<UnderShadow>, Endpoint),
    ) -> Result<Run, ApiError> {
        let (_, pair, _) = self.sides_of(&args.migration).await?;
        let clock: SharedClock = self.parts.clock.clone();
        let stream = Settle::between(&pair.source, &pair.target, FIXED, clock.clone()).await?;
        let notes = Arc::new(Mutex::new(vec![stream.says()]));
        let say = |sentence: String| notes.lock().unwrap_or_else(PoisonError::into_inner).push(sentence);
        for side in [&source, &target] {
            let unseen =
                side.unseen().await.map_err(|f| ApiError::new("failed", f.sentence, "See that it answers."))?;
            unseen.into_iter().for_each(say);
        }
        let (tally, stop) = (Arc::new(Tally::default()), CancellationToken::new());
        let traffic = Traffic {
            db: pair.source,
            at,
            sessions: source.clone(),
            share: args.share,
            tally: tally.clone(),
            notes: notes.clone(),
            stop: stop.clone(),
        };
        let traffic = traffic.of(args.traffic).await?;
        let shadow = Shadow {
            source,
            target,
            stream: Arc::new(Between(stream)),
            per_second: args.rate,
            lanes: LANES,
            tally: tally.clone(),
            stop: stop.clone(),
        };
        let (tell, ended) = watch::channel(None);
        let (begun, store) = (clock.now(), self.parts.store.clone());
        let run = Run { tally: tally.clone(), stop: stop.clone(), begun, notes, ended };
        let time = args.seconds.map(|s| Duration::from_secs(u64::from(s)));
        tokio::spawn(async move {
            through(Arc::new(shadow), traffic, time, stop).await;
            let at = clock.now();
            // A summary that cannot be kept is shown all the same.
            let _ = store.put_snapshot(id, KEPT, at, &kept::summary(begun, at, &tally.report())).await;
            tell.send_replace(Some(at));
        });
        Ok(run)
    }
}

/// Until the traffic or the time is over, or it is stopped.
async fn through(shadow: Arc<Shadow>, traffic: traffic::Source, time: Option<Duration>, stop: CancellationToken) {
    let (to, samples) = mpsc::channel::<Chosen>(WAITING);
    let reading = tokio::spawn(traffic.read(to));
    let ending = tokio::spawn({
        let stop = stop.clone();
        async move {
            match time {
                Some(time) => tokio::time::sleep(time).await,
                None => std::future::pending().await,
            }
            stop.cancel();
        }
    });
    switchyard_shadow::run(shadow, samples).await;
    stop.cancel();
    ending.abort();
    // What it could not read is among the notes.
    let _ = reading.await;
}

fn check_request(args: &ShadowRequest) -> Result<(), ApiError> {
    let mut problems = Vec::new();
    if !(1..=100).contains(&args.share) {
        problems.push(format!("A share of {} percent is none: give 1 to 100.", args.share));
    }
    if !(1..=MOST_RATE).contains(&args.rate) {
        problems.push(format!("{} comparisons per second cannot be made: give 1 to {MOST_RATE}.", args.rate));
    }
    if args.seconds.is_some_and(|s| !(1..=LONGEST).contains(&s)) {
        problems.push("The time has to be above 0 and at most 7 days.".to_owned());
    }
    if matches!(&args.traffic, ShadowTraffic::Files { files, .. } if files.is_empty()) {
        problems.push("Give at least one file of the source's log.".to_owned());
    }
    if matches!(&args.traffic, ShadowTraffic::Capture { file } if file.is_empty()) {
        problems.push("Give the file of a capture.".to_owned());
    }
    if problems.is_empty() { Ok(()) } else { Err(ApiError::problems(&problems)) }
}
