//! What a hand does: clicks, keys, and pressing until something is meant.

use std::time::Duration;

use fantoccini::Locator;
use fantoccini::actions::{Actions, InputSource, MOUSE_BUTTON_LEFT, MouseActions, PointerAction};

use crate::{App, WAIT};

/// Longer than the page's second, so that a slow machine does not let go too early.
const HELD: Duration = Duration::from_millis(1_300);

impl App {
    /// Clicks an element as soon as it can be clicked.
    pub async fn click(&self, id: &str) {
        self.click_within(id, WAIT).await;
    }

    /// The same with another patience: a gate may have to open first.
    pub async fn click_within(&self, id: &str, within: Duration) {
        let mut last = String::from("it is not on the page, or not enabled");
        let clicked = self
            .ask(within, async || {
                let element = self.displayed(id).await?;
                if !element.is_enabled().await.ok()? {
                    return None;
                }
                self.bring_into_sight(id).await;
                element.click().await.map_err(|e| last = e.to_string()).ok()
            })
            .await;
        if clicked.is_none() {
            self.fail(&format!("“{id}” could not be clicked within {within:?}: {last}")).await;
        }
    }

    /// Scrolls as a person would who wants to click something at the edge; the driver finds what is half hidden good enough.
    async fn bring_into_sight(&self, id: &str) {
        let scroll =
            "document.querySelector(`[data-testid=\"${arguments[0]}\"]`)?.scrollIntoView({ block: 'nearest' })";
        // What cannot be scrolled to cannot be clicked either, and that is told.
        let _ = self.client.execute(scroll, vec![id.into()]).await;
    }

    /// Replaces what a field holds.
    pub async fn fill(&self, id: &str, text: &str) {
        let field = self.see(id).await;
        // To empty a field is a change of its own, after which the page may put back what it had while this types.
        for _ in 0..3 {
            let typed = match field.clear().await {
                Ok(()) => field.send_keys(text).await,
                Err(e) => Err(e),
            };
            if let Err(e) = typed {
                self.fail(&format!("“{id}” could not be filled: {e}")).await;
            }
            if field.prop("value").await.is_ok_and(|value| value.as_deref() == Some(text)) {
                return;
            }
        }
    }

    /// Chooses an option of a list by its value.
    pub async fn choose(&self, id: &str, value: &str) {
        let field = self.see(id).await;
        if let Err(e) = field.select_by(Locator::Css(&format!("option[value=\"{value}\"]"))).await {
            self.fail(&format!("“{id}” does not offer {value}: {e}")).await;
        }
    }

    /// Presses an element for longer than a second and lets go.
    pub async fn hold(&self, id: &str) {
        self.press_for(id, HELD).await;
    }

    /// Presses an element for this long.
    pub async fn press_for(&self, id: &str, held: Duration) {
        let element = self.see(id).await;
        let hand = MouseActions::new("hand".to_owned())
            .then(PointerAction::MoveToElement { element, duration: None, x: 0.0, y: 0.0 })
            .then(PointerAction::Down { button: MOUSE_BUTTON_LEFT })
            .then(PointerAction::Pause { duration: held })
            .then(PointerAction::Up { button: MOUSE_BUTTON_LEFT });
        if let Err(e) = self.client.perform_actions(Actions::from(hand)).await {
            self.fail(&format!("“{id}” could not be held: {e}")).await;
        }
    }
}
