//! The real app: started on a store, looked at, closed, or lost.

use std::path::{Path, PathBuf};
use std::time::Duration;

use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Map, Value, json};

use crate::driver::Driver;
use crate::screen::Theme;
use crate::{process, until};

/// How long the app may take to have a window.
const START: Duration = Duration::from_secs(30);

/// The app with its window open. Dropping it kills it.
pub struct App {
    pub(crate) client: Client,
    driver: Driver,
}

impl App {
    /// Starts the app with `arguments`; its settings and the webview's files go below `home`.
    pub async fn start(home: &Path, arguments: &[&str]) -> Self {
        Self::on_desktop(home, arguments, Theme::Light).await
    }

    /// The same on a desktop that is dark as a whole: menu, dialogs, and with them the page.
    pub async fn on_desktop(home: &Path, arguments: &[&str], theme: Theme) -> Self {
        let driver = Driver::start(home, theme).await;
        let client = session(&driver.url(), arguments).await;
        let app = Self { client, driver };
        app.watch_for_errors().await;
        app
    }

    /// The app's own process.
    pub fn pid(&self) -> u32 {
        self.driver.app().unwrap_or_else(|| panic!("the app is not running"))
    }

    /// The app's process and the webview's.
    pub fn processes(&self) -> Vec<u32> {
        self.driver.below()
    }

    /// Ends the app as a desktop that logs out does, and waits until it is gone.
    pub async fn close(self) {
        assert_eq!(self.errors().await, Vec::<String>::new(), "no script of the page may fail on the way");
        let pid = self.pid();
        process::signal(pid, "TERM");
        until("the app is gone after it was asked to end", Duration::from_secs(15), async || {
            (!process::lives(pid)).then_some(())
        })
        .await;
    }

    /// Waits until the app has ended by itself; `why` says why it should.
    pub async fn ends_within(self, within: Duration, why: &str) {
        let what = format!("the app has ended: {why}");
        until(&what, within, async || (!self.runs()).then_some(())).await;
    }

    /// Whether the app is running.
    pub fn runs(&self) -> bool {
        self.driver.app().is_some_and(process::lives)
    }

    /// Kills the app without a word, as a crash does.
    pub async fn lose(self) {
        let pid = self.pid();
        process::signal(pid, "KILL");
        until("the killed app is gone", Duration::from_secs(5), async || (!process::lives(pid)).then_some(())).await;
    }
}

/// The binary under test: the one that `SWITCHYARD_APP` names, for example an installed package's, or the one beside the
/// tests' own, in the folder that this profile is built into.
pub fn binary() -> PathBuf {
    if let Some(named) = std::env::var_os("SWITCHYARD_APP") {
        return PathBuf::from(named);
    }
    let own = std::env::current_exe().unwrap();
    let folder = own.parent().and_then(Path::parent).unwrap();
    let binary = folder.join("switchyard");
    assert!(binary.exists(), "{} is missing; build it with cargo build -p switchyard", binary.display());
    binary
}

async fn session(driver: &str, arguments: &[&str]) -> Client {
    let options = json!({ "binary": binary(), "args": arguments });
    let capabilities: Map<String, Value> = [("webkitgtk:browserOptions".to_owned(), options)].into_iter().collect();
    let mut builder = ClientBuilder::new(HttpConnector::new());
    builder.capabilities(capabilities);
    tokio::time::timeout(START, builder.connect(driver))
        .await
        .unwrap_or_else(|_| panic!("the app did not open its window within {START:?}"))
        .unwrap_or_else(|e| panic!("the driver could not start the app: {e}"))
}
