//! Load as jobs of this process.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use switchyard_charts::{LoadChartInput, Theme, load_chart};
use switchyard_engine::clock::SharedClock;
use switchyard_load::{Second, Stopped};
use switchyard_model::{figure, lag::LagSample};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio_util::sync::CancellationToken;

use super::{
    jobs::{Job, Works},
    loading::{Asked, result},
    named_endpoint,
};
use crate::{Switchyard, dto::*};

/// So many seconds are kept to be drawn.
const KEPT: usize = 3_600;
/// What the picture shows at least, ms.
const SHOWN_MS: i64 = 30_000;

/// A load of this process.
pub(super) struct Loading {
    asked: LoadStart,
    seconds: Seconds,
    clock: SharedClock,
    job: Job<LoadResult>,
}

impl Works for Loading {
    type Came = LoadResult;
    fn job(&self) -> &Job<LoadResult> {
        &self.job
    }
}

/// What each second was.
#[derive(Clone, Default)]
struct Seconds(Arc<Mutex<Vec<LoadSecond>>>);

impl Seconds {
    fn all(&self) -> MutexGuard<'_, Vec<LoadSecond>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn take(self, mut told: UnboundedReceiver<Second>, clock: SharedClock) {
        while let Some(s) = told.recv().await {
            let mut all = self.all();
            if all.len() >= KEPT {
                all.remove(0);
            }
            all.push(LoadSecond {
                at: clock.now(),
                asked: s.asked_per_second,
                ended: s.ended,
                failed: s.failed,
                p99_ms: s.p99_ms,
                waiting: s.waiting as u64,
            });
        }
    }
}

impl Loading {
    fn view(&self, look: &LoadLook) -> Result<LoadJob, ApiError> {
        let ended = self.job.ended();
        let came = ended.as_ref().map(|e| &e.came);
        let seconds = self.seconds.all().clone();
        Ok(LoadJob {
            asked: self.asked.clone(),
            begun: self.job.begun,
            ended: ended.as_ref().map(|e| e.at),
            ending: self.job.is_ending(),
            newest: seconds.last().copied(),
            svg: if seconds.is_empty() { None } else { Some(self.drawn(&seconds, look)?) },
            result: came.and_then(|c| c.as_ref().ok().cloned()),
            fault: came.and_then(|c| c.as_ref().err().cloned()),
        })
    }

    fn drawn(&self, seconds: &[LoadSecond], look: &LoadLook) -> Result<String, ApiError> {
        let first = seconds.first().map_or(self.job.begun, |s| s.at - 1_000);
        let last = self.job.ended().map_or_else(|| self.clock.now(), |e| e.at);
        let p99: Vec<LagSample> = seconds.iter().filter_map(|s| Some(LagSample { at: s.at, ms: s.p99_ms? })).collect();
        let rates: Vec<(i64, String)> = match self.asked.how {
            LoadHow::Hold { .. } => Vec::new(),
            LoadHow::Ramp { .. } => seconds
                .chunk_by(|a, b| a.asked == b.asked)
                .filter_map(|of| of.first())
                .map(|s| (s.at - 1_000, format!("{} /s", figure::count(s.asked.round() as i64))))
                .collect(),
        };
        let drawn = load_chart(&LoadChartInput {
            seconds: &p99,
            from: first,
            to: last.max(first + SHOWN_MS),
            limit_ms: self.asked.max_p99_ms,
            rates: &rates,
            width: look.width,
            height: look.height,
            theme: if look.dark { Theme::Dark } else { Theme::Light },
            utc_offset_minutes: look.utc_offset_minutes,
        });
        drawn.map_err(|e| ApiError::new("failed", format!("The chart could not be drawn: {e}."), "Try another size."))
    }
}

impl Switchyard {
    /// Begins to send load.
    pub(crate) async fn load_start(&self, args: LoadStart) -> Result<Nothing, ApiError> {
        let (id, _) = self.named(&args.migration).await?;
        named_endpoint("The database", &args.at)?;
        let asked = Asked::of(&args)?;
        let endpoint = self.stored_endpoint("The database", &args.at).await?;
        let claim = self.rehearsals.busy.claim(vec![endpoint], "load").await?;
        let (own, clock) = (self.own()?, self.parts.clock.clone());
        let (stop, seconds) = (CancellationToken::new(), Seconds::default());
        let (tell, told) = unbounded_channel();
        let stopped = Stopped { stop: stop.clone(), seconds: Some(tell) };
        let taking = seconds.clone().take(told, clock.clone());
        let work = async move {
            let load = async { own.load(asked.request().await?, stopped).await };
            // The last second is told before the load has ended.
            let (loaded, ()) = tokio::join!(load, taking);
            loaded.map(result)
        };
        let jobs_clock = clock.clone();
        let begin = || Loading { asked: args, seconds, clock, job: Job::begin(jobs_clock, stop, claim, work) };
        self.rehearsals.loads.begin(id, &self.rehearsals.closing, "load", begin)?;
        Ok(Nothing {})
    }

    /// The newest load of this process on a migration's page.
    pub(crate) async fn load_job(&self, args: LoadLook) -> Result<LoadView, ApiError> {
        let (id, _) = self.named(&args.migration).await?;
        if !(200..=4000).contains(&args.width) || !(100..=2000).contains(&args.height) {
            let message = "The chart's size is out of bounds: 200–4000 × 100–2000 pixels.";
            return Err(ApiError::new("invalid", message, "Ask for less."));
        }
        let job = self.rehearsals.loads.of(id).map(|l| l.view(&args)).transpose()?;
        Ok(LoadView { job })
    }

    /// Ends load in order.
    pub(crate) async fn load_stop(&self, args: ByName) -> Result<Nothing, ApiError> {
        let (id, _) = self.named(&args.name).await?;
        if let Some(one) = self.rehearsals.loads.of(id) {
            one.job.stop.cancel();
        }
        Ok(Nothing {})
    }
}
