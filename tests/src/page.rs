//! Looking at the page: every question waits until it can be answered.

use std::time::Duration;

use fantoccini::Locator;
use fantoccini::elements::Element;
use serde_json::{Value, json};

use crate::App;

/// How long anything on the page may take unless a test says otherwise.
pub const WAIT: Duration = Duration::from_secs(15);

/// How long the driver may take to answer one question.
const ANSWER: Duration = Duration::from_secs(10);

impl App {
    /// Waits until the element with this test id is displayed.
    pub async fn see(&self, id: &str) -> Element {
        self.see_within(id, WAIT).await
    }

    /// The same with another patience.
    pub async fn see_within(&self, id: &str, within: Duration) -> Element {
        let found = self.ask(within, async || self.displayed(id).await).await;
        match found {
            Some(element) => element,
            None => self.fail(&format!("“{id}” is not on the page after {within:?}")).await,
        }
    }

    /// Waits until no element with this test id is displayed.
    pub async fn gone(&self, id: &str) {
        let gone = self.ask(WAIT, async || self.displayed(id).await.is_none().then_some(())).await;
        if gone.is_none() {
            self.fail(&format!("“{id}” is still on the page after {WAIT:?}")).await;
        }
    }

    /// Whether an element with this test id is displayed now.
    pub async fn shows(&self, id: &str) -> bool {
        self.displayed(id).await.is_some()
    }

    /// The text of an element, once it is there.
    pub async fn text(&self, id: &str) -> String {
        let text = self.ask(WAIT, async || self.displayed(id).await?.text().await.ok()).await;
        match text {
            Some(text) => text,
            None => self.fail(&format!("“{id}” is not on the page after {WAIT:?}")).await,
        }
    }

    /// Waits until the text of an element satisfies `wanted`; `why` says what it should be.
    pub async fn text_until(&self, id: &str, why: &str, within: Duration, wanted: impl Fn(&str) -> bool) -> String {
        let mut last = String::new();
        let found = self
            .ask(within, async || {
                let text = self.displayed(id).await?.text().await.ok()?;
                wanted(&text).then_some(text)
            })
            .await;
        if let Some(text) = found {
            return text;
        }
        if let Some(element) = self.displayed(id).await {
            last = element.text().await.unwrap_or_default();
        }
        self.fail(&format!("{why}; after {within:?} “{id}” reads: {last:?}")).await
    }

    /// Waits until an attribute of an element satisfies `wanted`.
    pub async fn attribute_until(
        &self,
        id: &str,
        name: &str,
        why: &str,
        within: Duration,
        wanted: impl Fn(&str) -> bool,
    ) -> String {
        let found = self
            .ask(within, async || {
                let value = self.displayed(id).await?.attr(name).await.ok()??;
                wanted(&value).then_some(value)
            })
            .await;
        match found {
            Some(value) => value,
            None => self.fail(&format!("{why}; “{name}” of “{id}” is not so after {within:?}")).await,
        }
    }

    /// The texts of all elements with this test id.
    pub async fn texts(&self, id: &str) -> Vec<String> {
        let script = "return [...document.querySelectorAll(`[data-testid=\"${arguments[0]}\"]`)].map(e => e.innerText)";
        let found = self.client.execute(script, vec![json!(id)]).await.unwrap_or(Value::Null);
        found.as_array().into_iter().flatten().filter_map(|v| v.as_str().map(str::to_owned)).collect()
    }

    /// Everything the page says.
    pub async fn all_text(&self) -> String {
        let text = self.client.execute("return document.body.innerText", Vec::new()).await.unwrap_or(Value::Null);
        text.as_str().unwrap_or_default().to_owned()
    }

    /// Runs a script in the page.
    pub async fn script(&self, script: &str, arguments: Vec<Value>) -> Value {
        match self.client.execute(script, arguments).await {
            Ok(value) => value,
            Err(e) => self.fail(&format!("the page could not run {script:?}: {e}")).await,
        }
    }

    /// Keeps from now on what goes wrong in the page's scripts: such a page looks alive and shows old figures.
    pub(crate) async fn watch_for_errors(&self) {
        let hook = "window.keptErrors = [];
            // Says only that a layout took two rounds.
            const keep = what => String(what).startsWith('ResizeObserver') || window.keptErrors.push(String(what));
            window.addEventListener('error', e => keep(e.message));
            window.addEventListener('unhandledrejection', e => keep(e.reason));";
        self.script(hook, Vec::new()).await;
    }

    /// What went wrong in the page's scripts.
    pub async fn errors(&self) -> Vec<String> {
        let kept = self.client.execute("return window.keptErrors ?? []", Vec::new()).await.unwrap_or(Value::Null);
        kept.as_array().into_iter().flatten().filter_map(|v| v.as_str().map(str::to_owned)).collect()
    }

    /// Fails with what the page shows, and a picture of it.
    pub async fn fail(&self, why: &str) -> ! {
        let picture = self.keep_picture("failed").await;
        let errors = self.errors().await;
        panic!("{why}\n--- errors: {errors:?}\n--- the page ({picture}) ---\n{}", self.all_text().await);
    }

    pub(crate) async fn displayed(&self, id: &str) -> Option<Element> {
        let element = self.client.find(Locator::Css(&format!("[data-testid=\"{id}\"]"))).await.ok()?;
        element.is_displayed().await.ok()?.then_some(element)
    }

    /// Asks until there is an answer; None after `within`. Elements may be replaced while one looks at them, so an
    /// error counts as "not yet".
    pub(crate) async fn ask<T>(&self, within: Duration, mut question: impl AsyncFnMut() -> Option<T>) -> Option<T> {
        let begun = std::time::Instant::now();
        loop {
            // A driver that does not answer at all is a failure too, not a reason to wait for ever.
            if let Ok(Some(answer)) = tokio::time::timeout(within.max(ANSWER), question()).await {
                return Some(answer);
            }
            if begun.elapsed() > within {
                return None;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until something about the page holds; `what` names it.
    pub async fn wait_for<T>(&self, what: &str, within: Duration, question: impl AsyncFnMut() -> Option<T>) -> T {
        match self.ask(within, question).await {
            Some(answer) => answer,
            None => self.fail(&format!("after {within:?} still not: {what}")).await,
        }
    }
}
