//! A job: something that goes on after the call that began it, and ends once.

use std::{
    collections::HashMap,
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use switchyard_engine::{clock::SharedClock, store::MigrationId};
use switchyard_model::UnixMs;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{busy::Claim, closing};
use crate::dto::ApiError;

/// How a job came out.
pub(crate) struct Ended<T> {
    pub(super) at: UnixMs,
    pub(super) came: Result<T, ApiError>,
}

/// One that runs or ran.
pub(super) struct Job<T> {
    pub(super) begun: UnixMs,
    pub(super) stop: CancellationToken,
    ended: watch::Receiver<Option<Arc<Ended<T>>>>,
}

impl<T: Send + Sync + 'static> Job<T> {
    /// Runs `work` to its end; `claim` is given back then.
    pub(super) fn begin(
        clock: SharedClock,
        stop: CancellationToken,
        claim: Claim,
        work: impl Future<Output = Result<T, ApiError>> + Send + 'static,
    ) -> Job<T> {
        let (tell, ended) = watch::channel(None);
        let begun = clock.now();
        // A task of its own, so that its end is told however it came.
        let work = tokio::spawn(work);
        tokio::spawn(async move {
            let broke_off = |e| ApiError::new("failed", format!("It broke off: {e}."), "Begin it again.");
            let came = work.await.unwrap_or_else(|e| Err(broke_off(e)));
            drop(claim);
            tell.send_replace(Some(Arc::new(Ended { at: clock.now(), came })));
        });
        Job { begun, stop, ended }
    }

    /// How it came out; None while it runs.
    pub(super) fn ended(&self) -> Option<Arc<Ended<T>>> {
        self.ended.borrow().clone()
    }

    /// Whether its end was asked for and has not come yet.
    pub(super) fn is_ending(&self) -> bool {
        self.stop.is_cancelled() && self.ended().is_none()
    }

    async fn end(&self) {
        // It has ended where nobody is left to say so.
        let _ = self.ended.clone().wait_for(Option::is_some).await;
    }
}

/// Something that has a job.
pub(super) trait Works: Send + Sync {
    type Came: Send + Sync + 'static;
    fn job(&self) -> &Job<Self::Came>;
}

/// The newest of each migration.
pub(super) struct Newest<W>(Mutex<HashMap<MigrationId, Arc<W>>>);

impl<W> Default for Newest<W> {
    fn default() -> Newest<W> {
        Newest(Mutex::default())
    }
}

impl<W: Works> Newest<W> {
    fn all(&self) -> MutexGuard<'_, HashMap<MigrationId, Arc<W>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn of(&self, id: MigrationId) -> Option<Arc<W>> {
        self.all().get(&id).cloned()
    }

    /// The first of all that run that is meant.
    pub(super) fn running(&self, is: impl Fn(&W) -> bool) -> Option<Arc<W>> {
        self.all().values().find(|w| w.job().ended().is_none() && is(w)).cloned()
    }

    /// Begins one, unless one of the migration runs already.
    ///
    /// # Errors
    /// `refused`.
    pub(super) fn begin(
        &self,
        id: MigrationId,
        closes: &CancellationToken,
        what: &str,
        begin: impl FnOnce() -> W,
    ) -> Result<Arc<W>, ApiError> {
        let mut all = self.all();
        // Looked at under the lock, under which everything that runs is told to end.
        if closes.is_cancelled() {
            return Err(closing());
        }
        if all.get(&id).is_some_and(|w| w.job().ended().is_none()) {
            let why = format!("A {what} of this migration runs already.");
            return Err(ApiError::new("refused", why, "Stop it first, or wait for its end."));
        }
        let begun = Arc::new(begin());
        all.insert(id, begun.clone());
        Ok(begun)
    }

    pub(super) fn stops(&self) -> Vec<CancellationToken> {
        self.all().values().map(|w| w.job().stop.clone()).collect()
    }

    /// Waits until all have ended.
    pub(super) async fn end(&self) {
        let all: Vec<Arc<W>> = self.all().values().cloned().collect();
        for one in all {
            one.job().end().await;
        }
    }
}
