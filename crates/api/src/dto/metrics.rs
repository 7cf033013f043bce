//! The application's own metrics: what may be set up, and where each stands.

use serde::{Deserialize, Serialize};
use switchyard_model::{UnixMs, application::Bound};
use ts_rs::TS;

/// A metric as it is filled in.
#[derive(Clone, Serialize, Deserialize, TS)]
pub struct MetricForm {
    /// The migration.
    pub migration: String,
    /// Its name; one of this name is replaced.
    pub name: String,
    /// Where the metrics server answers.
    pub url: String,
    /// What is asked, in PromQL.
    pub query: String,
    /// On which side of the limit it is wrong.
    pub bound: Bound,
    /// The limit.
    pub limit: f64,
    /// How long it has to be within its limit, seconds.
    pub for_s: u32,
    /// What is written behind the figure.
    pub unit: String,
    /// With a user the secret is a password, else a bearer token.
    pub user: Option<String>,
    /// The token or password, for the keyring. It goes nowhere else.
    pub secret: Option<String>,
    /// Instead: the path of a file of the operator's that holds it.
    pub secret_file: Option<String>,
    /// The CA that signed the server's certificate, as the path of a PEM file.
    pub ca_file: Option<String>,
}

impl std::fmt::Debug for MetricForm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MetricForm").field("name", &self.name).field("url", &self.url).finish_non_exhaustive()
    }
}

/// Which metrics, and whether they are read for it.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct MetricsRequest {
    /// The migration.
    pub migration: String,
    /// Only this one.
    pub name: Option<String>,
    /// Reads them now; else what whoever drives read last.
    pub read: bool,
}

/// Takes one away.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct RemoveMetric {
    /// The migration.
    pub migration: String,
    /// Its name.
    pub name: String,
}

/// All metrics of a migration.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct MetricsView {
    /// By name.
    pub metrics: Vec<MetricRow>,
    /// For how long one reading counts, ms.
    pub counts_ms: i64,
}

/// Where one metric stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum MetricStands {
    /// Within its limit, for long enough.
    Within,
    /// Within its limit, and not for long enough.
    Waits,
    /// Beyond its limit.
    Wrong,
    /// Nobody knows.
    Unknown,
}

/// One metric, its limit, and what is known of it.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct MetricRow {
    /// Its name.
    pub name: String,
    /// Where the metrics server answers.
    pub url: String,
    /// What is asked.
    pub query: String,
    /// On which side of the limit it is wrong.
    pub bound: Bound,
    /// The limit.
    pub limit: f64,
    /// How long it has to be within its limit, seconds.
    pub for_s: u32,
    /// What is written behind the figure.
    pub unit: String,
    /// How the server is logged in to, in words.
    pub login: String,
    /// Who set it up; None for one that is only tried.
    pub by: Option<String>,
    /// When it was set up.
    pub set_at: Option<UnixMs>,
    /// Where it stands.
    pub stands: MetricStands,
    /// The number; None where there is none that counts.
    pub value: Option<f64>,
    /// That in a sentence, or why it is not known.
    pub said: String,
    /// What to do, where there is something to do.
    pub remedy: Option<String>,
    /// When it was read; None before the first time.
    pub at: Option<UnixMs>,
    /// How old the newest sample behind it was then, ms; None where the query reads no series.
    pub sample_age_ms: Option<i64>,
    /// Series that the query gave: one, or it is not known.
    pub series: Option<u32>,
    /// Since when it has been within its limit.
    pub within_since: Option<UnixMs>,
    /// When it has been so for long enough.
    pub opens_at: Option<UnixMs>,
}
