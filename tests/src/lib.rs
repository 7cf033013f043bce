//! What the end-to-end tests stand on: a [`World`] of real servers with a migration walked to a given stage, and the
//! [`App`], the real window on that world's store, driven from outside as a person would.
//!
//! Nothing here reaches into the app: what a test sees is what the page shows, the journal says, or the disk holds.

// Only tests are built from this; a panic with its reason is how a test fails.
#![allow(clippy::unwrap_used, clippy::panic)]

mod app;
pub mod bus;
pub mod desk;
mod driver;
mod gestures;
mod page;
mod picture;
mod process;
mod screen;
pub mod server_cost;
mod stage;
pub mod usage;
mod world;

pub use app::{App, binary};
pub use page::WAIT;
pub use picture::Picture;
pub use screen::{Theme, keep};
pub use stage::Stage;
pub use world::{World, ask, cockpit};

/// Asks `condition` until it holds, at most for `within`; panics with `what` otherwise.
pub async fn until<T>(what: &str, within: std::time::Duration, mut condition: impl AsyncFnMut() -> Option<T>) -> T {
    let begun = std::time::Instant::now();
    loop {
        if let Some(found) = condition().await {
            return found;
        }
        assert!(begun.elapsed() < within, "after {within:?} still not: {what}");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}
