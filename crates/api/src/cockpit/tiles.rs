//! Tiles, side cards, health lines.

use switchyard_engine::facts::{CopyFact, CopyState, SideFact};
use switchyard_model::{Side, lag::GAP_MS};

use super::Seen;
use crate::dto::*;

pub(super) fn side(endpoint: &str, fact: &SideFact) -> SideCard {
    SideCard {
        endpoint: endpoint.to_owned(),
        version: fact.version.clone(),
        answered_at: fact.answered_at,
        problem: fact.problem.clone(),
    }
}

pub(super) fn lag(seen: &Seen<'_>, from: Side) -> Option<LagTile> {
    let window = match from {
        Side::Source => seen.snapshot.lag_forward,
        Side::Target => seen.snapshot.lag_reverse,
    }?;
    let limits = seen.state.limits();
    let limit_ms = if from == seen.state.authority { limits.lag_limit_ms } else { limits.canary_max_age_ms };
    Some(LagTile {
        now_ms: window.now_ms,
        at: window.at,
        p95_ms: window.p95_ms,
        worst_ms: window.worst_ms,
        limit_ms: f64::from(limit_ms),
        within_since: seen.snapshot.facts.stream_from(from).within_since,
    })
}

pub(super) fn write_latency(seen: &Seen<'_>) -> Option<WriteLatencyTile> {
    let w = seen.snapshot.write_latency?;
    Some(WriteLatencyTile { before_ms: w.before_ms, now_ms: w.now_ms, p99_ms: w.p99_ms, samples: w.samples, at: w.at })
}

pub(super) fn copy(fact: &CopyFact) -> CopyCard {
    let rows_done: i64 = fact.tables.iter().map(|t| t.rows_done).sum();
    let rows_total: i64 = fact.tables.iter().map(|t| t.rows_total).sum();
    let eta = |left: i64| fact.rows_per_s.filter(|r| *r > 1.0).map(|r| (left.max(0) as f64 / r).ceil() as i64);
    CopyCard {
        tables_done: fact.tables.iter().filter(|t| t.state == CopyState::Ready).count() as u32,
        tables_total: fact.tables.len() as u32,
        rows_done,
        rows_total,
        eta_s: if fact.done { Some(0) } else { eta(rows_total - rows_done) },
        rows_per_s: fact.rows_per_s,
        done: fact.done,
        tables: fact
            .tables
            .iter()
            .map(|t| CopyTable {
                table: t.table.clone(),
                state: match t.state {
                    CopyState::Waiting => CopyTableState::Waiting,
                    CopyState::Copying => CopyTableState::Copying,
                    CopyState::CatchingUp => CopyTableState::CatchingUp,
                    CopyState::Ready => CopyTableState::Ready,
                },
                rows_done: t.rows_done,
                rows_total: t.rows_total,
                eta_s: if t.state == CopyState::Copying { eta(t.rows_total - t.rows_done) } else { None },
            })
            .collect(),
    }
}

pub(super) fn slots(seen: &Seen<'_>) -> Vec<SlotCard> {
    seen.snapshot
        .slots
        .iter()
        .map(|s| SlotCard {
            name: s.name.clone(),
            on: s.on,
            active: s.active,
            lag_bytes: s.lag_bytes,
            retained_bytes: s.retained_bytes,
            seconds_to_limit: s.seconds_to_limit,
            at: s.at,
        })
        .collect()
}

pub(super) fn health(seen: &Seen<'_>) -> Vec<HealthLine> {
    let side = |word: &str, fact: &SideFact| match (&fact.problem, fact.answered_at) {
        // The banner says why; here the line must stay a line.
        (Some(_), at) => HealthLine { text: format!("{word} · no answer"), good: Some(false), at },
        (None, Some(at)) => HealthLine {
            text: format!("{word} · {} of {} conns", fact.connections, fact.max_connections),
            good: Some(seen.now - at < 4 * GAP_MS),
            at: Some(at),
        },
        (None, None) => HealthLine { text: format!("{word} · not asked yet"), good: None, at: None },
    };
    let mut lines = vec![side("source", &seen.snapshot.source), side("target", &seen.snapshot.target)];
    lines.extend(seen.snapshot.routers.iter().map(|r| HealthLine {
        text: r.text.clone(),
        good: Some(r.good),
        at: Some(r.at),
    }));
    lines
}
