//! `limits`: show or replace.

use std::path::Path;

use serde_json::Value;
use switchyard_api::dto::*;
use switchyard_model::limits::Limits;

use super::{Ctl, status};
use crate::output::{self, Answer};

pub async fn run(ctl: &Ctl, migration: String, set: Vec<String>) -> Result<Answer, ApiError> {
    if !set.is_empty() {
        let mut limits = serde_json::to_value(status::cockpit(ctl, &migration).await?.limits).unwrap_or_default();
        for one in &set {
            limits = changed(limits, one)?;
        }
        let limits: Limits = serde_json::from_value(limits).map_err(|e| wrong(&set.join(" "), e))?;
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
    say!(
        "  writes that fail there ≤ {} per million; no statement that fails always, {} times on",
        limits.errors_writes_per_million,
        limits.errors_always_from
    );
    say!(
        "  {} % of the target's connections free after a step, counted for {} s, from {} samples",
        limits.connections_headroom_percent,
        limits.headroom_hold_s,
        limits.headroom_min_samples
    );
    say!(
        "  log kept for a slot ≤ {} MiB, {} % of max_slot_wal_keep_size left, the limit {} s away",
        limits.slot_kept_max_mb,
        limits.slot_headroom_percent,
        limits.slot_runway_s
    );
    say!("  transactions with locks in scope ≤ {} s when writes move", limits.transaction_max_s);
    say!(
        "  a gate that fails for {} s breaks the soak; {}",
        limits.soak_break_s,
        if limits.step_back { "the ladder then steps back by itself" } else { "the ladder holds (step_back=off)" }
    );
    for rung in &limits.ladder {
        say!("  {:>3} % of reads, soak {} s", rung.percent, rung.soak_s);
    }
    say!("  receive-only for {} s", limits.receive_only_s);
    say!("  writes held for {} s at most (offline)", limits.held_max_s);
    Ok(Answer::Yes)
}

/// The limits with what one `--set` asks for: a file's, or one by its name.
fn changed(mut limits: Value, set: &str) -> Result<Value, ApiError> {
    let named = set.split_once('=').filter(|(name, _)| limits.get(name).is_some());
    let Some((name, text)) = named else {
        if let Some((name, _)) = set.split_once('=').filter(|_| !Path::new(set).exists()) {
            return Err(wrong(set, format!("there is no limit “{name}”, nor a file of this name")));
        }
        let text = std::fs::read_to_string(set).map_err(|e| wrong(set, switchyard_api::io_words(&e)))?;
        return serde_json::from_str(&text).map_err(|e| wrong(set, e));
    };
    limits[name] = match text {
        "on" | "true" => Value::Bool(true),
        "off" | "false" => Value::Bool(false),
        _ => serde_json::from_str(text).map_err(|_| wrong(set, format!("“{text}” is no value of {name}")))?,
    };
    Ok(limits)
}

fn wrong(what: &str, why: impl std::fmt::Display) -> ApiError {
    ApiError::new("invalid", format!("{what} cannot be used: {why}."), "Start from what limits --json prints.")
}
