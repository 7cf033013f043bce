//! Native notifications. A desktop without a notification service goes without; the page shows every notice anyway.

use switchyard_api::dto::Tone;
use tauri::AppHandle;
use tauri_plugin_notification::NotificationExt as _;

use crate::window;

/// Shows a notice where it would otherwise be missed.
pub fn show(app: &AppHandle, migration: &str, title: &str, body: &str, tone: Tone) {
    if !wanted(tone, window::focused(app)) {
        return;
    }
    let shown = app.notification().builder().title(format!("{migration}: {title}")).body(body).show();
    if let Err(e) = shown {
        tracing::debug!("no notification was shown: {e}");
    }
}

/// What is wrong is always worth an interruption; the rest only when nobody looks at the window.
fn wanted(tone: Tone, focused: bool) -> bool {
    match tone {
        Tone::Bad => true,
        Tone::Warn | Tone::Good | Tone::Info => !focused,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_wrong_interrupts_a_reader() {
        assert!(wanted(Tone::Bad, true), "a failed step must not be missed on another part of the page");
        assert!(!wanted(Tone::Good, true), "a reader sees the gate open on the page");
        assert!(wanted(Tone::Good, false), "somebody waiting for a gate works elsewhere meanwhile");
    }
}
