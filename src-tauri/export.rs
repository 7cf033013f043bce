//! Files that the operator names in the system's own dialog: all differences of a migration, and its timeline.
//!
//! The page asks for an export and never says where to: only a person at this machine chooses a path.

use std::path::PathBuf;

use switchyard_api::{
    dto::{ApiError, Exported, Written},
    export, plan,
};
use tauri::{AppHandle, Manager as _};
use tauri_plugin_dialog::DialogExt as _;
use tokio::sync::oneshot;

use crate::{events, window};

/// A kind of file in the dialog: what it is, and how its name may end.
type Kind = (&'static str, &'static [&'static str]);

/// Asks for a file and writes all differences; none when the dialog was cancelled.
#[tauri::command]
pub async fn export_findings(app: AppHandle, migration: String) -> Result<Option<Exported>, ApiError> {
    let api = events::connected(&app).await?;
    let kinds: [Kind; 2] = [("CSV, a line per column", &["csv"]), ("JSON lines, a line per row", &["jsonl", "json"])];
    let Some(file) = ask(&app, "Export all differences", export::file_name(&migration), &kinds).await? else {
        return Ok(None);
    };
    let format = export::Format::of(&file);
    // The dialog has asked whether a file that is there may go.
    api.export_findings(export::Export { migration, table: None, file, format, replace: true }).await.map(Some)
}

/// Asks for a file and writes the timeline; none when the dialog was cancelled.
#[tauri::command]
pub async fn export_timeline(app: AppHandle, migration: String) -> Result<Option<Written>, ApiError> {
    let api = events::connected(&app).await?;
    let kinds: [Kind; 3] = [("Page with the picture", &["html"]), ("Markdown", &["md"]), ("Calendar", &["ics"])];
    let Some(file) = ask(&app, "Export the timeline", plan::file_name(&migration), &kinds).await? else {
        return Ok(None);
    };
    let format = plan::Format::of(&file);
    api.export_timeline(plan::ExportTimeline { migration, file, format, replace: true }).await.map(Some)
}

async fn ask(app: &AppHandle, title: &str, name: String, kinds: &[Kind]) -> Result<Option<PathBuf>, ApiError> {
    let (chosen, awaited) = oneshot::channel();
    let mut dialog = app.dialog().file().set_title(title).set_file_name(name);
    for (what, endings) in kinds {
        dialog = dialog.add_filter(*what, endings);
    }
    if let Some(window) = app.get_webview_window(window::LABEL) {
        dialog = dialog.set_parent(&window);
    }
    dialog.save_file(move |path| {
        // Nobody awaits it when the app is closing.
        let _ = chosen.send(path);
    });
    let path = awaited.await.ok().flatten().map(tauri_plugin_dialog::FilePath::into_path).transpose();
    path.map_err(|e| {
        ApiError::new("invalid", format!("The file that was chosen has no path: {e}."), "Choose one on this machine.")
    })
}
