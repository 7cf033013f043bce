//! The Queries page: where its facts come from.

use serde::{Deserialize, Serialize};
use switchyard_model::{
    Side, UnixMs,
    sources::{Figure, SourceKind},
};
use switchyard_queries::digest::{Digest, Kind};
use ts_rs::TS;

/// Asks for the sources of a migration's facts.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct SourcesRequest {
    /// The migration.
    pub migration: String,
    /// Between the two readings that rates come from.
    pub seconds: u32,
}

/// How a source stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(rename = "QuerySourceState")]
pub enum SourceState {
    /// It gives all that it can.
    Usable,
    /// It gives less than it could.
    Partly,
    /// It gives nothing.
    Unusable,
    /// It could not be asked.
    Unknown,
}

/// One source on one side.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(rename = "QuerySource")]
pub struct SourceRow {
    /// What it is.
    pub kind: SourceKind,
    /// As those call it whose it is.
    pub title: String,
    /// Whose: `orders-eu`, `PgBouncer pgb-1:6432`.
    pub name: String,
    /// Of which side; None where both go through it.
    pub side: Option<Side>,
    /// How it stands.
    pub state: SourceState,
    /// Why it is not usable, or not wholly, a sentence.
    pub why: Option<String>,
    /// What mends that.
    pub remedy: Option<String>,
    /// Since when it counts; None where it does not say.
    pub since: Option<UnixMs>,
    /// Whether its counters began anew between the two readings, so that nothing can be said of what grew.
    pub was_reset: bool,
    /// What it gives.
    pub figures: Vec<Figure>,
    /// What it cannot see, in sentences.
    pub cannot_see: String,
    /// What else is to be said, in sentences.
    pub notes: Vec<String>,
}

/// All sources.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(rename = "QuerySources")]
pub struct SourcesView {
    /// When the second reading was made.
    pub at: UnixMs,
    /// Between the two readings.
    pub seconds: u32,
    /// The source's, the target's, the routers'.
    pub sources: Vec<SourceRow>,
}

/// A digest that another tool made.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct ImportDigest {
    /// Its file on this machine, plain or gzip.
    pub file: String,
    /// Which tool made it; None for whichever it turns out to be.
    pub kind: Option<Kind>,
    /// At most so many statements, and so many kinds of errors.
    pub limit: u32,
    /// A migration on whose servers its statements are looked for; None for none.
    pub migration: Option<String>,
}

/// A statement of a digest that a server knows as well.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct DigestKnown {
    /// The statement's id.
    pub id: String,
    /// Its mean on the source since that began to count, ms; None where it does not know it.
    pub source_ms: Option<f64>,
    /// The same on the target.
    pub target_ms: Option<f64>,
}

/// A digest, read.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct DigestView {
    /// Its file.
    pub file: String,
    /// What is in it.
    #[serde(flatten)]
    pub digest: Digest,
    /// Those of its statements that the migration's servers know.
    pub known: Vec<DigestKnown>,
}
