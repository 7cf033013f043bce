//! The main window: where it opens, what it may load, and how a second start finds it.

use std::path::Path;

use clap::Parser as _;
use tauri::plugin::TauriPlugin;
use tauri::webview::{NewWindowResponse, PageLoadEvent};
use tauri::{AppHandle, Manager as _, Url, WebviewUrl, WebviewWindow, WebviewWindowBuilder, Wry};
use tauri_plugin_window_state::StateFlags;

use crate::arguments::Arguments;

/// The only window's label; capabilities name it too.
pub const LABEL: &str = "main";
const DEFAULT_SIZE: (f64, f64) = (1440.0, 900.0);
const MIN_SIZE: (f64, f64) = (1100.0, 700.0);

/// Opens the window, on a migration where one was named.
///
/// # Errors
/// When the desktop refuses a window.
pub fn open(app: &AppHandle, migration: Option<&str>) -> tauri::Result<()> {
    let address = format!("index.html{}", migration.map(place).unwrap_or_default());
    let window = WebviewWindowBuilder::new(app, LABEL, WebviewUrl::App(address.into()))
        .title("Switchyard")
        .inner_size(DEFAULT_SIZE.0, DEFAULT_SIZE.1)
        .min_inner_size(MIN_SIZE.0, MIN_SIZE.1)
        // Shown when there is something to see: an empty page is white, also on a dark desktop.
        .visible(false)
        .zoom_hotkeys_enabled(true)
        .on_navigation(is_ours)
        .on_new_window(|_, _| NewWindowResponse::Deny)
        .on_document_title_changed(|window, title| {
            if let Err(e) = window.set_title(&title) {
                tracing::debug!("the window kept its title: {e}");
            }
        })
        .on_page_load(|window, load| match load.event() {
            PageLoadEvent::Started => {}
            PageLoadEvent::Finished => show(&window),
        })
        .build()?;
    draw_without_gpu(&window);
    Ok(())
}

/// The page changes once a second and animates nothing, so a compositor of its own costs more than it gains: measured
/// 20 % of a core and 267 MB in the web process with it, 4.4 % and 136 MB without. It also is what leaves windows blank on
/// machines whose graphics driver and WebKit disagree.
#[cfg(target_os = "linux")]
fn draw_without_gpu(window: &WebviewWindow) {
    use webkit2gtk::{CacheModel, HardwareAccelerationPolicy, SettingsExt as _, WebContextExt as _, WebViewExt};
    let asked = window.with_webview(|webview| {
        // One page that is never left: nothing is worth caching for a way back.
        if let Some(context) = webview.inner().context() {
            context.set_cache_model(CacheModel::DocumentViewer);
        }
        if let Some(settings) = WebViewExt::settings(&webview.inner()) {
            settings.set_hardware_acceleration_policy(HardwareAccelerationPolicy::Never);
        }
    });
    if let Err(e) = asked {
        tracing::debug!("the webview keeps its compositor: {e}");
    }
}

/// Other platforms' webviews choose well by themselves.
#[cfg(not(target_os = "linux"))]
fn draw_without_gpu(_: &WebviewWindow) {}

/// Whether the operator looks at the window.
pub fn focused(app: &AppHandle) -> bool {
    app.get_webview_window(LABEL).and_then(|w| w.is_focused().ok()).unwrap_or(false)
}

/// A second start on the same store brings the first window to the front, on the migration it names.
pub fn single_instance(store: Option<&Path>) -> TauriPlugin<Wry> {
    tauri_plugin_single_instance::Builder::new()
        .dbus_id(instance_id(store))
        .callback(|app, argv, _| {
            let Some(window) = app.get_webview_window(LABEL) else { return };
            show(&window);
            let asked = Arguments::try_parse_from(argv).ok().and_then(|a| a.open);
            if let Some(migration) = asked {
                go(&window, &migration);
            }
        })
        .build()
}

/// Size, position and whether it was maximized come back. Whether it was visible does not: it always is.
pub fn remembered() -> TauriPlugin<Wry> {
    let flags = StateFlags::SIZE | StateFlags::POSITION | StateFlags::MAXIMIZED | StateFlags::FULLSCREEN;
    tauri_plugin_window_state::Builder::new().with_state_flags(flags).build()
}

fn show(window: &WebviewWindow) {
    let shown = window.show().and_then(|()| window.unminimize()).and_then(|()| window.set_focus());
    if let Err(e) = shown {
        tracing::warn!("the window could not be brought to the front: {e}");
    }
}

/// The page reads its place from the address.
fn go(window: &WebviewWindow, migration: &str) {
    let Ok(place) = serde_json::to_string(&place(migration)) else { return };
    if let Err(e) = window.eval(format!("location.hash = {place}")) {
        tracing::warn!("the window could not go to the migration: {e}");
    }
}

/// Where the page shows a migration: `#/m/<name>`, everything but letters, digits and `-_.~` encoded.
fn place(migration: &str) -> String {
    let encoded: String = migration
        .bytes()
        .map(|b| match b {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(b).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect();
    format!("#/m/{encoded}")
}

/// The page is ours or, under `tauri dev`, the development server's. Nothing else is ever loaded.
fn is_ours(url: &Url) -> bool {
    match url.scheme() {
        "tauri" => true,
        "http" | "https" => {
            url.host_str() == Some("tauri.localhost") || (tauri::is_dev() && url.host_str() == Some("localhost"))
        }
        _ => false,
    }
}

/// One window per store: two windows on two stores disturb nobody, two on one would. Bus names allow few characters.
fn instance_id(store: Option<&Path>) -> String {
    let store = match store {
        Some(path) => path.to_path_buf(),
        None => std::env::var_os("SWITCHYARD_STORE").map(Into::into).unwrap_or_default(),
    };
    let base = "dev.switchyard.desktop";
    if store.as_os_str().is_empty() {
        return base.to_owned();
    }
    // Only has to be the same for the same path and this version; the first element of a name must not be a digit.
    let mut hash = std::hash::DefaultHasher::new();
    std::hash::Hash::hash(&store, &mut hash);
    format!("{base}.s{:016x}", std::hash::Hasher::finish(&hash))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_survives_any_name() {
        assert_eq!(place("shop"), "#/m/shop");
        assert_eq!(place("a/b \"ü\"#?"), "#/m/a%2Fb%20%22%C3%BC%22%23%3F", "as encodeURIComponent would, or stricter");
    }

    #[test]
    fn nothing_remote_is_loaded() {
        let ours = |text: &str| is_ours(&Url::parse(text).unwrap());
        assert!(ours("tauri://localhost/index.html#/m/x"));
        for foreign in
            ["https://example.org/", "http://localhost.example.org/", "file:///etc/passwd", "data:text/html,x"]
        {
            assert!(!ours(foreign), "{foreign} is not ours");
        }
    }

    #[test]
    fn one_window_per_store() {
        let a = instance_id(Some(Path::new("/a/switchyard.db")));
        assert_eq!(a, instance_id(Some(Path::new("/a/switchyard.db"))), "a second start finds the first");
        assert_ne!(a, instance_id(Some(Path::new("/b/switchyard.db"))), "another store is another window");
        assert!(a.len() < 200, "bus names are limited to 255 characters");
    }
}
