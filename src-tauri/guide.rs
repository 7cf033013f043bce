//! The guide that is installed beside the app.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use tauri::path::BaseDirectory;
use tauri::{AppHandle, Manager as _};
use tauri_plugin_dialog::DialogExt as _;

/// Opens the guide's first page with whatever the desktop reads text with; says where it is when there is nothing.
pub fn open(app: &AppHandle) {
    let Some(page) = first_page(app) else {
        app.dialog()
            .message("The guide was not installed with this build. It is in docs/guide of the source.")
            .show(|_| {});
        return;
    };
    let opened =
        Command::new("xdg-open").arg(&page).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    match opened {
        // Reaped on a thread of its own, so that it leaves no zombie behind.
        Ok(mut child) => drop(std::thread::spawn(move || child.wait())),
        Err(_) => app.dialog().message(format!("The guide is at {}.", page.display())).show(|_| {}),
    }
}

fn first_page(app: &AppHandle) -> Option<PathBuf> {
    ["guide/README.md", "guide/index.md"]
        .iter()
        .filter_map(|name| app.path().resolve(name, BaseDirectory::Resource).ok())
        .find(|page| page.exists())
}
