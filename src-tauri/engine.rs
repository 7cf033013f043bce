//! The opened API of this process, or why it cannot be opened.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use switchyard_api::dto::ApiError;
use switchyard_api::{Options, Switchyard};
use tokio::sync::Mutex;

/// A store that could not be opened is tried again when it is asked for after this long: the operator may have freed the
/// disk meanwhile, and the page asks each second.
const TRY_AGAIN: Duration = Duration::from_secs(2);

/// Opens the API once, on first use.
pub struct Engine {
    options: Options,
    state: Mutex<State>,
}

enum State {
    /// Nobody has asked yet.
    Fresh,
    /// It is open.
    Open(Arc<Switchyard>),
    /// It could not be opened.
    Failed { error: ApiError, at: Instant },
    /// It was closed and stays so.
    Closed,
}

/// An opened API, and whether this call was the one that opened it.
pub struct Opened {
    /// The API.
    pub api: Arc<Switchyard>,
    /// Whether it was opened just now.
    pub just_now: bool,
}

impl Engine {
    /// Nothing is opened yet. `store` is its file; None leaves the choice to the API.
    pub fn new(store: Option<PathBuf>) -> Self {
        Self {
            options: Options { store, guarded: true, drive: true, ..Options::default() },
            state: Mutex::new(State::Fresh),
        }
    }

    /// The API; opens it when it is not open.
    ///
    /// # Errors
    /// Why the store cannot be opened; the same answer for a moment, then it is tried again.
    pub async fn get(&self) -> Result<Opened, ApiError> {
        let mut state = self.state.lock().await;
        match &*state {
            State::Open(api) => return Ok(Opened { api: api.clone(), just_now: false }),
            State::Closed => return Err(closed()),
            State::Failed { error, at } if at.elapsed() < TRY_AGAIN => return Err(error.clone()),
            State::Failed { .. } | State::Fresh => {}
        }
        match Switchyard::open(self.options.clone()).await {
            Ok(api) => {
                *state = State::Open(api.clone());
                Ok(Opened { api, just_now: true })
            }
            Err(error) => {
                tracing::error!(code = error.code, "{}", error.message);
                *state = State::Failed { error: error.clone(), at: Instant::now() };
                Err(error)
            }
        }
    }

    /// The API if it is open; opens nothing.
    pub async fn opened(&self) -> Option<Arc<Switchyard>> {
        match &*self.state.lock().await {
            State::Open(api) => Some(api.clone()),
            State::Fresh | State::Failed { .. } | State::Closed => None,
        }
    }

    /// Gives leases back and closes the store. Whoever asks from now on is refused.
    pub async fn close(&self) {
        let before = std::mem::replace(&mut *self.state.lock().await, State::Closed);
        match before {
            State::Open(api) => api.shut_down().await,
            State::Fresh | State::Failed { .. } | State::Closed => {}
        }
    }
}

fn closed() -> ApiError {
    ApiError {
        code: "closing".into(),
        message: "The window is being closed and takes no more commands.".into(),
        remedy: "Start Switchyard again; everything that was asked before is in the journal.".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_store_that_cannot_be_opened_is_said_and_tried_again() {
        let folder = std::env::temp_dir().join(format!("switchyard-engine-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("switchyard.db");
        std::fs::write(&file, "this is no database, it is longer than its header would be".repeat(100)).unwrap();
        let engine = Engine::new(Some(file));
        let first = engine.get().await.err().unwrap();
        assert!(!first.remedy.is_empty(), "an operator needs to know what to do: {first:?}");
        let second = engine.get().await.err().unwrap();
        assert_eq!(first, second, "the page asks each second and must not hammer the file");
        assert!(engine.opened().await.is_none(), "nothing is open");
        engine.close().await;
        assert_eq!(engine.get().await.err().unwrap().code, "closing", "nothing opens while the app is leaving");
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
