//! Captures, replays and load as jobs of this process, for a window: begun, looked at, ended in order; and the list of captures.
//!
//! Owns which jobs there are and that no two of them are at one copy. What they do is in [`crate::capture`], [`crate::replay`] and
//! [`crate::load`], which the command line calls as well.

mod busy;
mod jobs;
mod listed;
mod loading;
mod loads;
mod replayed;
mod replaying;
mod taking;

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use busy::Busy;
use jobs::Newest;

use crate::{Switchyard, dto::ApiError};

/// A job is at most so long, s.
const LONGEST: u32 = 7 * 24 * 3600;
/// How long jobs may take to end in order when this process does.
const LAST_WORDS: Duration = Duration::from_secs(8);

/// What of this process runs, or ran last, by the migration on whose page it stands.
#[derive(Default)]
pub(crate) struct Rehearsals {
    busy: Busy,
    takings: Newest<taking::Taking>,
    replays: Newest<replaying::Replaying>,
    loads: Newest<loads::Loading>,
    closing: CancellationToken,
}

impl Rehearsals {
    /// Ends everything in order, and lets nothing begin any more.
    pub(crate) async fn end(&self) {
        self.closing.cancel();
        let waits = async {
            self.takings.end().await;
            self.replays.end().await;
            self.loads.end().await;
        };
        // All are told before any is waited for.
        for stop in [self.takings.stops(), self.replays.stops(), self.loads.stops()].into_iter().flatten() {
            stop.cancel();
        }
        if tokio::time::timeout(LAST_WORDS, waits).await.is_err() {
            tracing::warn!("a capture, replay or load did not end in time; what a capture has is in its .part");
        }
    }
}

impl Switchyard {
    /// This very process, for a job that outlives the call.
    fn own(&self) -> Result<std::sync::Arc<Switchyard>, ApiError> {
        self.me.upgrade().ok_or_else(closing)
    }
}

fn closing() -> ApiError {
    ApiError::new("closing", "Switchyard is being closed, and nothing begins any more.", "Start it again.")
}

/// A path that means the same wherever this process stands.
fn full_path(file: &str) -> Result<std::path::PathBuf, ApiError> {
    let path = std::path::PathBuf::from(file.trim());
    if path.is_absolute() {
        return Ok(path);
    }
    let why = format!("“{file}” is no full path.");
    Err(ApiError::new("invalid", why, "Give the file with all its folders, as /home/ann/shop.capture."))
}

/// An endpoint of the store. A window gives names alone: a URL may hold a password.
fn named_endpoint(what: &str, name: &str) -> Result<(), ApiError> {
    if name.trim().is_empty() || name.contains("://") {
        let why = format!("{what} is no endpoint of the store.");
        return Err(ApiError::new("invalid", why, "Choose one of the list; add it on the Endpoints page."));
    }
    Ok(())
}
