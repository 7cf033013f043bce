//! The one command of the shell. Knows no command of the API and looks into no argument.

use serde_json::Value;
use switchyard_api::dto::ApiError;
use tauri::AppHandle;

use crate::events;

/// Asks the API; rejects with the API's own error.
#[tauri::command]
pub async fn call(app: AppHandle, name: String, args: Value) -> Result<Value, ApiError> {
    events::connected(&app).await?.call(&name, args).await
}
