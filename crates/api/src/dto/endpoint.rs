//! Endpoints.

use serde::{Deserialize, Serialize};
use switchyard_model::endpoint::Endpoint;
use ts_rs::TS;

/// An endpoint as saved from the form. The password goes to the keyring or to memory, never to the store.
#[derive(Clone, Serialize, Deserialize, TS)]
pub struct SaveEndpoint {
    /// The fields.
    pub endpoint: Endpoint,
    /// None keeps the password that is known already.
    pub password: Option<String>,
    /// Name it had before, when it is renamed.
    pub rename_from: Option<String>,
}

/// An endpoint in the list.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct EndpointRow {
    /// The fields.
    pub endpoint: Endpoint,
    /// Where its password is.
    pub password: PasswordPlace,
    /// Migrations that use it; it cannot be deleted while there are any.
    pub used_by: Vec<String>,
}

/// Where an endpoint's password is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum PasswordPlace {
    /// In the OS keyring.
    Keyring,
    /// In this process's memory; asked for again after a restart.
    Memory,
    /// In libpq's password file (`.pgpass`).
    PasswordFile,
    /// Not known: it has to be typed.
    Missing,
}

/// Names one thing.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct ByName {
    /// Its name.
    pub name: String,
}

/// A URL pasted into the form.
#[derive(Clone, Serialize, Deserialize, TS)]
pub struct PastedUrl {
    /// `postgres://…`
    pub url: String,
}

/// A URL, read. The password comes back once, to fill the form.
#[derive(Clone, Serialize, Deserialize, TS)]
pub struct ReadUrl {
    /// The fields.
    pub endpoint: Endpoint,
    /// The password in the URL.
    pub password: Option<String>,
}

/// What `pg_service.conf` and `.pgpass` offer.
#[derive(Clone, Serialize, Deserialize, TS)]
pub struct Importable {
    /// One per service; `.pgpass` adds passwords on import.
    pub services: Vec<ImportableService>,
    /// What could not be read and why.
    pub problems: Vec<String>,
}

/// One service of `pg_service.conf`.
#[derive(Clone, Serialize, Deserialize, TS)]
pub struct ImportableService {
    /// The fields; named after the service.
    pub endpoint: Endpoint,
    /// Whether a password for it was found.
    pub has_password: bool,
}

/// Result of testing an endpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct EndpointTest {
    /// Whether it can be used.
    pub ok: bool,
    /// `PostgreSQL 15.20`, where it answered.
    pub version: Option<String>,
    /// Whether what goes over the line can be read on the way; None where nothing answered.
    pub encrypted: Option<bool>,
    /// Whether the connection is encrypted, and how well verified.
    pub tls: Option<String>,
    /// Time to connect and ask, ms.
    pub ms: Option<f64>,
    /// One sentence: what was found, or what is wrong.
    pub sentence: String,
    /// What to do when it is not ok.
    pub remedy: Option<String>,
}

/// All endpoints.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct EndpointList {
    /// By name.
    pub endpoints: Vec<EndpointRow>,
}
