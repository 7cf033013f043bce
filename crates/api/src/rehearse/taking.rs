//! Captures that this process takes of a migration's source, and the list of all.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use switchyard_model::{Side, UnixMs, time};
use tokio_util::sync::CancellationToken;

use super::{
    LONGEST, full_path,
    jobs::{Job, Works},
};
use crate::{
    Switchyard,
    capture::{CaptureMade, CaptureRequest, blocking, part_stands, stop},
    dto::*,
    verify::End,
};

/// Reads that are asked again on the source each second, at most, where its answers are wanted.
const ANSWERS: u32 = 20;

/// A capture of this process.
pub(super) struct Taking {
    file: PathBuf,
    until: Option<UnixMs>,
    statements: Arc<AtomicU64>,
    job: Job<CaptureMade>,
}

impl Works for Taking {
    type Came = CaptureMade;
    fn job(&self) -> &Job<CaptureMade> {
        &self.job
    }
}

impl Taking {
    fn view(&self) -> CaptureTaking {
        let ended = self.job.ended();
        let came = ended.as_ref().map(|e| &e.came);
        CaptureTaking {
            file: self.file.display().to_string(),
            begun: self.job.begun,
            until: self.until,
            ending: self.job.is_ending(),
            ended: ended.as_ref().map(|e| e.at),
            statements: match came {
                Some(Ok(made)) => made.statements,
                Some(Err(_)) | None => self.statements.load(Ordering::Relaxed),
            },
            fault: came.and_then(|c| c.as_ref().err().cloned()),
        }
    }
}

impl Switchyard {
    /// The captures of this machine; of a migration also the one that is taken of its source, and where one would go.
    pub(crate) async fn captures(&self, args: CapturesRequest) -> Result<CapturesView, ApiError> {
        let mut view =
            CapturesView { source: None, suggested: None, taking: None, captures: self.captures_listed().await? };
        if let Some(name) = &args.migration {
            let (id, book) = self.named(name).await?;
            view.source = Some(book.state().await.spec.source);
            view.suggested = Some(self.suggested(name).display().to_string());
            view.taking = self.rehearsals.takings.of(id).map(|t| t.view());
        }
        Ok(view)
    }

    /// Begins to capture a migration's source.
    pub(crate) async fn capture_start(&self, args: CaptureStart) -> Result<CapturesView, ApiError> {
        if args.seconds.is_some_and(|s| !(1..=LONGEST).contains(&s)) {
            return Err(ApiError::problems(&["The time has to be above 0 and at most 7 days.".to_owned()]));
        }
        let (id, book) = self.named(&args.migration).await?;
        let state = book.state().await;
        if state.authority == Side::Target {
            let why = "The target has the writes: what the source is asked now is not the application's traffic.";
            return Err(ApiError::new("refused", why, "Captures of the source are for the time before the switch."));
        }
        let file = match args.file.as_deref().filter(|f| !f.trim().is_empty()) {
            Some(file) => full_path(file)?,
            None => self.in_own_folder(&args.migration)?,
        };
        let source = state.spec.source.clone();
        let endpoint = self.stored_endpoint("The source", &source).await?;
        let claim = self.rehearsals.busy.claim(vec![endpoint], "capture").await?;
        let time = args.seconds.map(|s| Duration::from_secs(u64::from(s)));
        let at = End { reference: source, password: None };
        let request =
            CaptureRequest { at, to: file.clone(), time, user: None, answers: args.answers.then_some(ANSWERS) };
        let (own, clock) = (self.own()?, self.parts.clock.clone());
        let until = args.seconds.map(|s| clock.now() + i64::from(s) * 1000);
        let (stop, statements) = (CancellationToken::new(), Arc::new(AtomicU64::new(0)));
        let (migration, told, stopped) = (args.migration.clone(), statements.clone(), stop.clone());
        let work = async move {
            let tell = move |n| told.store(n, Ordering::Relaxed);
            own.capture_listed(request, Some(migration), stopped, tell).await
        };
        let begin = || Taking { file, until, statements, job: Job::begin(clock, stop, claim, work) };
        self.rehearsals.takings.begin(id, &self.rehearsals.closing, "capture", begin)?;
        self.captures(CapturesRequest { migration: Some(args.migration) }).await
    }

    /// Ends a capture of this process at once, another process's when that has put it in order, and makes whole what one left behind
    /// that was killed.
    pub(crate) async fn capture_stop(&self, args: CaptureFile) -> Result<Nothing, ApiError> {
        let file = full_path(&args.file)?;
        if let Some(own) = self.rehearsals.takings.running(|t| t.file == file) {
            own.job.stop.cancel();
            return Ok(Nothing {});
        }
        self.is_listed(&file).await?;
        let made = stop(file).await?;
        self.list_capture(Path::new(&made.file), None, None).await?;
        Ok(Nothing {})
    }

    /// Where a capture would go: a name that is free.
    fn suggested(&self, migration: &str) -> PathBuf {
        let now = self.parts.clock.now();
        let minute = now.div_euclid(60_000).rem_euclid(24 * 60);
        let plain = |c: char| if c.is_alphanumeric() || matches!(c, '-' | '_') { c } else { '-' };
        let name: String = migration.chars().take(60).map(plain).collect();
        let name = format!("{name}-{}-{:02}{:02}", time::date(now), minute / 60, minute % 60);
        let folder = self.own_folder();
        let named = |n: u32| match n {
            1 => folder.join(format!("{name}.capture")),
            n => folder.join(format!("{name}-{n}.capture")),
        };
        let is_free = |file: &PathBuf| file.symlink_metadata().is_err() && part_stands(file).is_none();
        (1..100).map(named).find(is_free).unwrap_or_else(|| named(100))
    }

    fn own_folder(&self) -> PathBuf {
        self.parts.store.path().parent().unwrap_or(Path::new(".")).join("captures")
    }

    /// The suggested file, in a folder that is there and for its owner alone.
    fn in_own_folder(&self, migration: &str) -> Result<PathBuf, ApiError> {
        let folder = self.own_folder();
        let mut making = std::fs::DirBuilder::new();
        making.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut making, 0o700);
        making.create(&folder).map_err(|e| {
            let why = format!("The folder {} cannot be made: {}.", folder.display(), crate::io_words(&e));
            ApiError::new("failed", why, "Give a file in another folder.")
        })?;
        let file = self.suggested(migration);
        std::path::absolute(&file).map_err(|e| {
            ApiError::new("failed", format!("{} cannot be named: {e}.", file.display()), "Give a full path.")
        })
    }
}

/// Reads files where it keeps nobody waiting.
pub(super) async fn looked<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, ApiError> {
    blocking(move || Ok(work())).await
}
