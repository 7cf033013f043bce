//! From the API's events to the page and to the desktop's notifications.

use std::sync::Arc;

use switchyard_api::Switchyard;
use switchyard_api::dto::{ApiError, Event};
use tauri::{AppHandle, Emitter as _, Manager as _};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use crate::engine::Engine;
use crate::{notices, window};

/// The page listens to this name; the payload is the API's [`Event`].
const CHANNEL: &str = "switchyard";

/// Opens the API in the background.
pub fn start(app: &AppHandle) {
    let app = app.clone();
    tauri::async_runtime::spawn(async move {
        // The page asks on its own and shows what is wrong; here it is only a matter of not waiting for the page.
        let _ = connected(&app).await;
    });
}

/// The API, with its events on their way to the page.
///
/// # Errors
/// Why the store cannot be opened.
pub async fn connected(app: &AppHandle) -> Result<Arc<Switchyard>, ApiError> {
    let opened = app.state::<Engine>().get().await?;
    if opened.just_now {
        tauri::async_runtime::spawn(forward(app.clone(), opened.api.events()));
    }
    Ok(opened.api)
}

async fn forward(app: AppHandle, mut receiver: Receiver<Event>) {
    loop {
        match receiver.recv().await {
            Ok(event) => hand_on(&app, &event),
            // The page also asks by itself each second, so a lost event costs a moment and nothing else.
            Err(RecvError::Lagged(lost)) => tracing::debug!(lost, "events came faster than the window took them"),
            Err(RecvError::Closed) => return,
        }
    }
}

fn hand_on(app: &AppHandle, event: &Event) {
    if let Err(e) = app.emit_to(window::LABEL, CHANNEL, event) {
        tracing::debug!("an event did not reach the page: {e}");
    }
    match event {
        Event::Notice { title, body, tone, migration } => notices::show(app, migration, title, body, *tone),
        Event::Changed { .. } => {}
    }
}
