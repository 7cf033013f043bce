//! Leaving: with a question when clients are being held, and in order.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tauri::{AppHandle, Manager as _, Window, WindowEvent};
use tauri_plugin_dialog::{DialogExt as _, MessageDialogButtons, MessageDialogKind, MessageDialogResult};

use crate::engine::Engine;
use crate::window;

/// How long the API may take to say whether clients are held before the answer counts as unknown.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);
/// How often the end of a hold is looked for.
const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// How long giving back leases may keep the process alive.
const LEAVE_WITHIN: Duration = Duration::from_secs(10);

/// Whether the question is on the screen, so that it is not asked twice.
#[derive(Default)]
pub struct Question(AtomicBool);

/// What closing now would interrupt.
#[derive(Debug, PartialEq, Eq)]
enum Held {
    /// Nothing.
    Nothing,
    /// Clients of this migration wait.
    Clients(String),
    /// The API did not say.
    Unknown,
}

/// A window that is to be closed asks first.
pub fn window_event(window: &Window, event: &WindowEvent) {
    if let WindowEvent::CloseRequested { api, .. } = event {
        api.prevent_close();
        ask(window.app_handle());
    }
}

/// Leaves, unless clients are held and the operator wants to stay.
pub fn ask(app: &AppHandle) {
    if app.state::<Question>().0.swap(true, Ordering::SeqCst) {
        return;
    }
    let app = app.clone();
    tauri::async_runtime::spawn(async move {
        match sentence(&held(&app).await) {
            None => app.exit(0),
            Some(question) => put(&app, question),
        }
    });
}

/// SIGTERM, SIGINT: the session ends and nobody is there to answer. Everything that has to survive is in the journal.
#[cfg(unix)]
pub fn on_signal(app: &AppHandle) {
    use tokio::signal::unix::{SignalKind, signal};
    let app = app.clone();
    tauri::async_runtime::spawn(async move {
        let (Ok(mut terminate), Ok(mut interrupt)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
        else {
            tracing::warn!("signals cannot be caught; the process ends at once when it gets one");
            return;
        };
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        app.exit(0);
    });
}

/// There are no such signals here.
#[cfg(not(unix))]
pub fn on_signal(_: &AppHandle) {}

/// Gives leases back and closes the store, while the process is on its way out.
pub fn shut_down(app: &AppHandle) {
    let engine = app.state::<Engine>();
    tauri::async_runtime::block_on(async {
        if tokio::time::timeout(LEAVE_WITHIN, engine.close()).await.is_err() {
            tracing::warn!("the API did not close in time; leases lapse by themselves");
        }
    });
}

async fn held(app: &AppHandle) -> Held {
    let ask = async {
        match app.state::<Engine>().opened().await {
            Some(api) => api.holding().await,
            None => Ok(None),
        }
    };
    match tokio::time::timeout(ANSWER_WITHIN, ask).await {
        Ok(Ok(None)) => Held::Nothing,
        Ok(Ok(Some(migration))) => Held::Clients(migration),
        // Not answered, or the journal cannot be read: nothing is not the answer to that.
        Ok(Err(_)) | Err(_) => Held::Unknown,
    }
}

fn sentence(held: &Held) -> Option<String> {
    match held {
        Held::Nothing => None,
        Held::Clients(migration) => Some(format!(
            "Clients of “{migration}” are being held right now: their writes wait for the switch to end.\n\nClosing now \
             leaves the switch to its watchdog. Before the point of no return it is taken back and clients go on where \
             they were; after it, it is finished. Left alone it ends by itself within seconds."
        )),
        Held::Unknown => Some(
            "The engine did not say within a second whether clients are being held.\n\nIf they are, closing now leaves \
             the switch to its watchdog, which takes it back or finishes it."
                .to_owned(),
        ),
    }
}

/// What the operator answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    /// Let the switch end, then close.
    WhenEnded,
    /// Leave it to the watchdog.
    Now,
    /// Keep the window.
    Stay,
}

/// The first button is the one that Enter presses, the last the one that Escape means: neither interrupts anything.
const WHEN_ENDED: &str = "Close when it has ended";
const NOW: &str = "Close now";
const STAY: &str = "Stay";

fn answer(result: &MessageDialogResult) -> Answer {
    match result {
        MessageDialogResult::Custom(label) if label == WHEN_ENDED => Answer::WhenEnded,
        MessageDialogResult::Custom(label) if label == NOW => Answer::Now,
        MessageDialogResult::Yes => Answer::WhenEnded,
        MessageDialogResult::No => Answer::Now,
        MessageDialogResult::Ok | MessageDialogResult::Cancel | MessageDialogResult::Custom(_) => Answer::Stay,
    }
}

fn put(app: &AppHandle, question: String) {
    let buttons = MessageDialogButtons::YesNoCancelCustom(WHEN_ENDED.into(), NOW.into(), STAY.into());
    let mut dialog =
        app.dialog().message(question).title("Close Switchyard?").kind(MessageDialogKind::Warning).buttons(buttons);
    if let Some(window) = app.get_webview_window(window::LABEL) {
        dialog = dialog.parent(&window);
    }
    let app = app.clone();
    dialog.show_with_result(move |result| {
        app.state::<Question>().0.store(false, Ordering::SeqCst);
        match answer(&result) {
            Answer::WhenEnded => drop(tauri::async_runtime::spawn(leave_when_ended(app))),
            Answer::Now => app.exit(0),
            Answer::Stay => {}
        }
    });
}

/// A hold has a deadline of its own, so this ends.
async fn leave_when_ended(app: AppHandle) {
    while held(&app).await != Held::Nothing {
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    app.exit(0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_hold_or_doubt_asks() {
        assert_eq!(sentence(&Held::Nothing), None, "a window that interrupts nothing closes at once");
        let held = sentence(&Held::Clients("shop".into())).unwrap();
        assert!(held.contains("“shop”") && held.contains("point of no return"), "says whose and what follows: {held}");
        assert!(sentence(&Held::Unknown).is_some(), "not knowing is not the same as nothing held");
    }

    #[test]
    fn whatever_is_not_an_answer_means_stay() {
        assert_eq!(answer(&MessageDialogResult::Cancel), Answer::Stay, "Escape, or the dialog's own close button");
        assert_eq!(answer(&MessageDialogResult::Custom(STAY.into())), Answer::Stay);
        assert_eq!(answer(&MessageDialogResult::Custom(NOW.into())), Answer::Now);
        assert_eq!(answer(&MessageDialogResult::Custom(WHEN_ENDED.into())), Answer::WhenEnded);
    }
}
