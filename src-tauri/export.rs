//! All differences of a migration into a file that the operator names in the system's own dialog.
//!
//! The page asks for an export and never says where to: only a person at this machine chooses a path.

use switchyard_api::{
    dto::{ApiError, Exported},
    export::{Export, Format, file_name},
};
use tauri::{AppHandle, Manager as _};
use tauri_plugin_dialog::DialogExt as _;
use tokio::sync::oneshot;

use crate::{events, window};

/// Asks for a file and writes it; none when the dialog was cancelled.
#[tauri::command]
pub async fn export_findings(app: AppHandle, migration: String) -> Result<Option<Exported>, ApiError> {
    let api = events::connected(&app).await?;
    let (chosen, awaited) = oneshot::channel();
    let mut dialog = app
        .dialog()
        .file()
        .set_title("Export all differences")
        .set_file_name(file_name(&migration))
        .add_filter("CSV, a line per column", &["csv"])
        .add_filter("JSON lines, a line per row", &["jsonl", "json"]);
    if let Some(window) = app.get_webview_window(window::LABEL) {
        dialog = dialog.set_parent(&window);
    }
    dialog.save_file(move |path| {
        // Nobody awaits it when the app is closing.
        let _ = chosen.send(path);
    });
    let Some(path) = awaited.await.ok().flatten() else { return Ok(None) };
    let file = path.into_path().map_err(|e| {
        ApiError::new("invalid", format!("The file that was chosen has no path: {e}."), "Choose one on this machine.")
    })?;
    let format = Format::of(&file);
    // The dialog has asked whether a file that is there may go.
    api.export_findings(Export { migration, table: None, file, format, replace: true }).await.map(Some)
}
