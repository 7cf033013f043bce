//! Who really uses a database: sampled for a while, with or without a migration.

use std::time::Duration;

use serde::Serialize;
use switchyard_engine::{
    clock::{Clock, SystemClock},
    consumers::{Rhythm, watch},
};
use switchyard_model::{Side, UnixMs, consumers::Report};
use tokio_util::sync::CancellationToken;

pub use switchyard_engine::consumers::Progress;

use super::LANES;
use crate::{Switchyard, dto::ApiError, verify::End};

/// What to sample.
#[derive(Debug)]
pub struct ConsumersRequest {
    /// The database.
    pub endpoint: End,
    /// For how long.
    pub span: Duration,
    /// How often.
    pub every: Duration,
}

/// Ends a sampling early; what was seen so far is the result.
#[derive(Debug, Clone, Default)]
pub struct Stop(CancellationToken);

impl Stop {
    /// Says so.
    pub fn now(&self) {
        self.0.cancel();
    }
}

/// The whole answer.
#[derive(Debug, Serialize)]
pub struct ConsumersReport {
    /// The endpoint's name, or its address.
    pub endpoint: String,
    /// The database.
    pub database: String,
    /// The server's version.
    pub version: String,
    /// When it began.
    pub began: UnixMs,
    /// From look to look, s.
    pub every_s: f64,
    /// Whether somebody ended it before its time.
    pub early: bool,
    /// How often the connection was lost.
    pub lost: u32,
    /// The figures.
    #[serde(flatten)]
    pub report: Report,
}

impl Switchyard {
    /// Samples who uses a database, until the time is up or it is stopped.
    ///
    /// # Errors
    /// When the times make no sense, or the database cannot be reached or looked at to begin with.
    pub async fn consumers(
        &self,
        request: ConsumersRequest,
        stop: &Stop,
        tell: impl FnMut(Progress) + Send,
    ) -> Result<ConsumersReport, ApiError> {
        let ConsumersRequest { endpoint, span, every } = request;
        check(span, every)?;
        let database = self.end(Side::Source, &endpoint, LANES).await?;
        let began = SystemClock.now();
        let watched = watch(&database, Rhythm { span, every }, &stop.0, tell).await?;
        Ok(ConsumersReport {
            endpoint: database.label,
            database: watched.facts.database,
            version: watched.facts.version,
            began,
            every_s: every.as_secs_f64(),
            early: stop.0.is_cancelled(),
            lost: watched.lost,
            report: watched.report,
        })
    }

    /// The source of a migration, as an end to sample.
    ///
    /// # Errors
    /// When there is no such migration, or the store cannot be read.
    pub async fn source_of(&self, migration: &str) -> Result<End, ApiError> {
        let (_, book) = self.named(migration).await?;
        Ok(End { reference: book.state().await.spec.source, password: None })
    }
}

/// Shorter than this, looking would itself be the load.
const SHORTEST: Duration = Duration::from_millis(100);

fn check(span: Duration, every: Duration) -> Result<(), ApiError> {
    if every < SHORTEST {
        let why = format!("--every {} is too often: each look costs the server something.", every.as_secs_f64());
        return Err(ApiError::new("invalid", why, "Give at least 0.1 seconds."));
    }
    if span < every {
        let why = format!(
            "--for {} is shorter than --every {}: nothing could be compared.",
            span.as_secs_f64(),
            every.as_secs_f64()
        );
        return Err(ApiError::new("invalid", why, "Sample for at least as long as from one look to the next."));
    }
    Ok(())
}
