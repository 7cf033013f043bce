//! WebKit's WebDriver: starts the app and hands on what a test does to its page.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::screen::Theme;
use crate::{process, until};

/// A running driver; ends with everything it started when dropped.
pub struct Driver {
    child: Child,
    port: u16,
}

impl Driver {
    /// Starts one. The app that it starts later keeps its settings and the webview's files below `home`.
    pub async fn start(home: &Path, theme: Theme) -> Self {
        let port = free_port();
        let child = Command::new("WebKitWebDriver")
            .arg(format!("--port={port}"))
            .env("TAURI_WEBVIEW_AUTOMATION", "true")
            .env("GTK_THEME", theme.of_desktop())
            .env("XDG_DATA_HOME", home.join("data"))
            .env("XDG_CONFIG_HOME", home.join("config"))
            .env("XDG_CACHE_HOME", home.join("cache"))
            .env_remove("SWITCHYARD_STORE")
            .stdin(Stdio::null())
            .spawn()
            .unwrap_or_else(|e| panic!("WebKitWebDriver cannot be started ({e}); run scripts/setup.sh test"));
        let driver = Self { child, port };
        until("the driver listens", Duration::from_secs(10), async || {
            TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok()
        })
        .await;
        driver
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The app's own process.
    pub fn app(&self) -> Option<u32> {
        self.below().into_iter().find(|pid| process::name(*pid) == "switchyard")
    }

    /// Everything below the driver: the app and the webview's processes.
    pub fn below(&self) -> Vec<u32> {
        process::tree(self.child.id()).split_off(1)
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let below = self.below();
        let _ = self.child.kill();
        let _ = self.child.wait();
        below.into_iter().for_each(|pid| process::signal(pid, "KILL"));
    }
}

fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|l| l.local_addr()).map(|a| a.port()).unwrap()
}
