//! The program itself, and errors.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// No arguments.
#[derive(Debug, Clone, Default, Serialize, Deserialize, TS)]
pub struct Nothing {}

/// Facts about this process.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct AppInfo {
    /// Version of Switchyard.
    pub version: String,
    /// Path of the store.
    pub store: String,
    /// `user@host (pid)`, as the lease and the journal name this process.
    pub operator: String,
    /// Whether passwords go to the OS keyring.
    pub keyring: KeyringState,
}

/// Where passwords are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum KeyringState {
    /// The OS keyring answers.
    Available,
    /// It does not: passwords are asked for and held in memory.
    Unavailable {
        /// Why, as a sentence.
        why: String,
    },
}

/// Something that was asked for and could not be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, thiserror::Error)]
#[error("{message}")]
pub struct ApiError {
    /// Stable word a consumer may branch on, for example `password_needed`, `not_found`, `refused`, `invalid`.
    pub code: String,
    /// What was being done and what went wrong, one sentence.
    pub message: String,
    /// What to do, one sentence.
    pub remedy: String,
}
