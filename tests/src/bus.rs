//! What goes over the session bus to the desktop's notification service.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use crate::{WAIT, until};

/// Listens for notifications, whether or not a service shows them.
pub struct Notifications {
    monitor: Child,
    heard: Arc<Mutex<String>>,
}

impl Notifications {
    /// Begins to listen.
    pub async fn listen() -> Self {
        let mut monitor = Command::new("dbus-monitor")
            .args(["--session", "interface='org.freedesktop.Notifications'"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|e| panic!("dbus-monitor cannot be started ({e}); run scripts/setup.sh test"));
        let heard = Arc::new(Mutex::new(String::new()));
        let lines = BufReader::new(monitor.stdout.take().unwrap()).lines();
        let keep = heard.clone();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let mut heard = keep.lock().unwrap_or_else(PoisonError::into_inner);
                heard.push_str(&line);
                heard.push('\n');
            }
        });
        let listening = Self { monitor, heard };
        // The bus answers its monitor before anything else can be heard.
        until("the bus has a monitor", WAIT, async || (!listening.heard().is_empty()).then_some(())).await;
        listening
    }

    /// Waits for a notification that holds this text.
    pub async fn wait_for(&self, text: &str) {
        let asked = |heard: &str| heard.contains("member=Notify") && heard.contains(text);
        until(&format!("a notification says “{text}”"), WAIT, async || asked(&self.heard()).then_some(())).await;
    }

    fn heard(&self) -> String {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Notifications {
    fn drop(&mut self) {
        let _ = self.monitor.kill();
        let _ = self.monitor.wait();
    }
}
