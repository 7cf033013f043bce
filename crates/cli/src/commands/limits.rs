//! `limits`: show or replace.

use std::path::PathBuf;

use switchyard_api::dto::*;
use switchyard_model::limits::Limits;

use super::{Ctl, status};
use crate::output::{self, Answer};

pub async fn run(ctl: &Ctl, migration: String, set: Option<PathBuf>) -> Result<Answer, ApiError> {
    if let Some(path) = set {
        let wrong = |why: String| {
            ApiError::new(
                "invalid",
                format!("{} cannot be used: {why}.", path.display()),
                "Start from what limits --json prints.",
            )
        };
        let text = std::fs::read_to_string(&path).map_err(|e| wrong(switchyard_api::io_words(&e)))?;
        let limits: Limits = serde_json::from_str(&text).map_err(|e| wrong(e.to_string()))?;
        let _: Nothing = ctl.call("set_limits", &SetLimits { migration: migration.clone(), limits }).await?;
    }
    let limits = status::cockpit(ctl, &migration).await?.limits;
    if ctl.json {
        output::json(&limits);
        return Ok(Answer::Yes);
    }
    say!("template {}", limits.template);
    say!("  lag ≤ {} ms for {} s", limits.lag_limit_ms, limits.lag_hold_s);
    say!(
        "  validation not older than {} s, canary not older than {} ms",
        limits.validation_max_age_s,
        limits.canary_max_age_ms
    );
    say!(
        "  hold ≤ {} ms, locks ≤ {} ms, sequences + {}",
        limits.hold_deadline_ms,
        limits.lock_timeout_ms,
        limits.sequence_margin
    );
    say!(
        "  reads on the target ≤ {} % of the source's time or {} ms, for {} s, from {} samples",
        limits.latency_ratio_percent,
        limits.latency_floor_ms,
        limits.latency_hold_s,
        limits.latency_min_samples
    );
    say!(
        "  errors on the target ≤ {} per million above the source's rate, from {} samples",
        limits.errors_per_million,
        limits.errors_min_samples
    );
    for rung in &limits.ladder {
        say!("  {:>3} % of reads, soak {} s", rung.percent, rung.soak_s);
    }
    say!("  receive-only for {} s", limits.receive_only_s);
    say!("  writes held for {} s at most (offline)", limits.held_max_s);
    Ok(Answer::Yes)
}
